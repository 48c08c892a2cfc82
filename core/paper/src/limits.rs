//! What bounds a page and its template: a template comes from an officer of any level, and no officer may hurt a phone.

/// Steps that filling a page may take; each also pays for 64 bytes of what is placed, joined or changed. Minutes as
/// long as a seal carries leave room to spare.
pub const PAGE_FUEL: u64 = 400_000;
/// Bytes of a filled template.
pub const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Blocks, lines of columns and cells of one page.
pub const PAGE_PARTS_MAX: usize = 200_000;
/// Bytes between the marks of one tag: bounds how deep an expression can be.
pub const TAG_BYTES_MAX: usize = 1_000;
/// Brackets open at once in one tag.
pub const BRACKETS_MAX: usize = 8;
/// Loops and conditions open at once.
pub const BLOCKS_MAX: usize = 16;
