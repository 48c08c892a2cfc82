//! What every document on paper is asked for.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Clone, Args)]
pub(crate) struct Paper {
    /// Format; the ending of --out (.html, .docx, .txt) decides when left out, and it is text without --out.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<PrintFormat>,
    /// Write to this file; needed for docx.
    #[arg(long, value_name = "FILE", required_if_eq("format", "docx"))]
    pub out: Option<PathBuf>,
    /// A template of a page (docs/PAPER.md) in place of the one in force on the day of the document.
    #[arg(long, value_name = "FILE|-")]
    pub template: Option<String>,
    /// A template that was published, by the beginning of its SHA-256 (`sotay directives`, or at the end of a printed page),
    /// also if it holds no more; `shipped` for the one that comes with the software.
    #[arg(long, value_name = "SHA256|shipped", conflicts_with = "template")]
    pub with: Option<String>,
}

/// What a page is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum PrintFormat {
    /// Plain text.
    Text,
    /// One HTML file with the measures of an A4 sheet.
    Html,
    /// For word processors.
    Docx,
}
