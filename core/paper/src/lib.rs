//! Documents of a branch on paper: pages of a Vietnamese office document from templates that are data.
//!
//! A template ([`PageTemplate`]) places the fields of a document and says of each line what it is: a column of the
//! letterhead, a title, a numbered item, a row of a table. What it gives is a [`Page`], a list of [`Block`]s; a page is
//! written as HTML for reading and printing, as .docx for offices that edit, or as plain text. Text of members can never
//! pass for a mark of the template. Nothing here reads a clock: equal pages are equal files, byte for byte.
//!
//! The marks are in `docs/PAPER.md` of the repository; measures follow Hướng dẫn 36-HD/VPTW of 2018.

mod docx;
mod fields;
mod html;
pub mod limits;
mod markup;
mod model;
mod page;
mod published;
mod template;
mod text;

pub use docx::DocxError;
pub use model::{Headed, MinutesPage, Original, locality};
pub use page::{Align, Block, Cell, Line, LineStyle, Page, Run};
pub use published::TemplateHead;
pub use sotay_handbook::template::TemplateError;
pub use template::{PageTemplate, Sort};
