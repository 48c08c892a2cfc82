//! What every document on paper is asked for.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Paper {
    /// Format; the ending of --out (.html, .docx, .txt) decides when left out, and it is text without --out.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<PrintFormat>,
    /// Write to this file; needed for docx.
    #[arg(long, value_name = "FILE", required_if_eq("format", "docx"))]
    pub out: Option<PathBuf>,
    /// A template of a page (docs/PAPER.md) in place of the one that ships with the software.
    #[arg(long, value_name = "FILE|-")]
    pub template: Option<String>,
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
