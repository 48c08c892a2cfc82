//! Every count and size this crate bounds. Each has a test at limit + 1.

/// Characters (code points) of one paragraph: a speech, a conclusion, a section of the narrative.
pub const TEXT_CHARS_MAX: usize = 8_000;
/// Characters of one item of feedback, or of an answer to one.
pub const FEEDBACK_CHARS_MAX: usize = 4_000;
/// Characters of a remark, a name or a place in a letter between a unit and the one above it.
pub const LETTER_CHARS_MAX: usize = 1_000;
/// Documents from above of which one letter tells how far they have come.
pub const DELIVERED_DOCUMENTS_MAX: usize = 500;
/// Characters of one line: a place, a reason, a title.
pub const LINE_CHARS_MAX: usize = 500;
/// Characters of a motion: it is frozen in one cell together with the list of voters.
pub const MOTION_CHARS_MAX: usize = 4_000;
/// Bytes of one stored cell that a reader looks at; a motion of full length with the longest list of voters fits.
pub const CELL_BYTES_MAX: usize = 32 * 1024;
/// Members that one command or one frozen list may name.
pub const MEMBERS_MAX: usize = 500;
/// Bytes of a file that a meeting may name, e.g. photographed pages.
pub const ATTACHMENT_BYTES_MAX: u32 = 64 * 1024 * 1024;
/// Pages of such a file.
pub const ATTACHMENT_PAGES_MAX: u32 = 500;
/// Votes of one kind in one tally.
pub const VOTES_MAX: u32 = 10_000;
/// Hundredths of a point that one criterion may give.
pub const POINTS_MAX: u32 = 10_000;
/// Claims that one choice may name.
pub const CLAIMS_MAX: usize = 256;
/// Bytes of a key inside a cell: the id of a review item, the option of a choice, an order. An order key never grows
/// longer; entries are placed at the end then instead of between.
pub const KEY_BYTES_MAX: usize = 256;
/// Bytes of the key of a criterion.
pub const CRITERION_KEY_BYTES_MAX: usize = 64;
/// Bytes of a template.
pub const TEMPLATE_BYTES_MAX: usize = 64 * 1024;
/// Steps that rendering a template may take; the shipped one needs some thousands.
pub const TEMPLATE_FUEL: u64 = 2_000_000;
/// Characters of the name of a page template that is published.
pub const TEMPLATE_NAME_CHARS_MAX: usize = 200;
/// Characters of the words of a task, and of a note about its result.
pub const TASK_CHARS_MAX: usize = 2_000;
/// Tasks of a year.
pub const TASKS_MAX: usize = 2_000;
/// How often a task is reopened.
pub const ROUNDS_MAX: u32 = 99;
/// Đồng of one line of the ledger, and of what somebody is assessed at.
pub const AMOUNT_MAX: u32 = 1_000_000_000;
/// Lines of the ledger of a year.
pub const FEE_LINES_MAX: usize = 20_000;
/// Criteria of one tree.
pub const CRITERIA_MAX: usize = 200;
/// Pieces of evidence in the ratings of a year.
pub const EVIDENCE_MAX: usize = 5_000;
/// Tasks, and recipients, of one resolution.
pub const RESOLUTION_ENTRIES_MAX: usize = 200;
/// Number of a resolution within its year.
pub const RESOLUTION_NUMBER_MAX: u32 = 9_999;
/// Meetings in one report.
pub const REPORT_MEETINGS_MAX: usize = 100;
/// Revisions of the report of one month.
pub const REVISIONS_MAX: u32 = 999;
/// Characters of a text that one line of a diary shows.
pub const DIARY_TEXT_CHARS: usize = 80;
/// Tasks that a meeting takes over.
pub const TAKEN_TASKS_MAX: usize = 200;
/// Bytes of a directive.
pub const DIRECTIVE_BYTES_MAX: usize = 64 * 1024;
