//! The library, search, reading aloud, quizzes and broadcasts.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sotay_engine::study::library::Date;
use sotay_engine::study::speech::Region;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Documents are named by their number in the list, by alias, by code, or by the beginning of the id.

Examples:
  sotay library publish hd12.docx --code 12-HD/BTCTW --date 2018-07-06 --type HD \\
        --issuer 'Ban Tổ chức Trung ương' --title 'Nội dung sinh hoạt chi bộ'
  sotay library publish --header luat-*.txt
  sotay library publish --corpus documents.tsv
  sotay library show 10/2022/QH15 --section 'Điều 5'")]
pub(crate) struct Library {
    #[command(subcommand)]
    pub command: Option<LibraryCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LibraryCommand {
    /// The documents on this phone, newest first (the default).
    List,
    /// Contents of a document, or the text of one section.
    Show {
        /// Document: number in the list, alias, code, or beginning of the id.
        document: String,
        /// Section: number in the contents, or as it is cited ('Điều 5').
        #[arg(long, value_name = "SECTION")]
        section: Option<String>,
    },
    /// Publish documents to everybody in the branch. Officers only.
    Publish(Box<Publish>),
    /// Tell the branch that you have a document or are done with it, or take that back. Nothing is told by itself.
    Share {
        /// Document: number in the list, alias, code, or beginning of the id.
        document: String,
        /// What to tell.
        #[arg(value_enum, default_value = "done")]
        what: Sharing,
    },
    /// How many members told that they have each document or are done with it; officers also see who did.
    Delivery {
        /// One document, with those who told: number in the list, alias, code, or beginning of the id. Officers only.
        document: Option<String>,
    },
}

/// What a member tells of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Sharing {
    /// That it is here.
    Received,
    /// That it is read.
    Done,
    /// Nothing any more.
    Nothing,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Reads .docx, PDF with text, HTML and plain text. What was understood is printed. A document with a mark of state secrecy
is refused. Either every document of a call is published or none.")]
pub(crate) struct Publish {
    /// The file; several only with --header.
    #[arg(
        value_name = "FILE",
        required_unless_present = "corpus",
        conflicts_with = "corpus"
    )]
    pub files: Vec<PathBuf>,
    /// Code of the document, such as 12-HD/BTCTW.
    #[arg(long, required_unless_present_any = ["corpus", "header"])]
    pub code: Option<String>,
    /// Day on which it was issued.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day, required_unless_present_any = ["corpus", "header"])]
    pub date: Option<Date>,
    /// Its type: an abbreviation (NQ, HD, QĐ …) or a name.
    #[arg(long = "type", value_name = "TYPE", required_unless_present_any = ["corpus", "header"])]
    pub kind: Option<String>,
    /// Who issued it.
    #[arg(long, required_unless_present_any = ["corpus", "header"])]
    pub issuer: Option<String>,
    /// Its title.
    #[arg(long, required_unless_present_any = ["corpus", "header"])]
    pub title: Option<String>,
    /// A short name of your own for it, shown instead of the id.
    #[arg(long)]
    pub alias: Option<String>,
    /// It replaces the document with this code (with @YYYY-MM-DD, the one of that day).
    #[arg(long, value_name = "CODE")]
    pub replaces: Vec<String>,
    /// It amends the document with this code.
    #[arg(long, value_name = "CODE")]
    pub amends: Vec<String>,
    /// It withdraws the document with this code.
    #[arg(long, value_name = "CODE")]
    pub withdraws: Vec<String>,
    /// The first line of each file says what it is: code | date | type | issuer | title.
    #[arg(long, conflicts_with_all = ["corpus", "code", "date", "kind", "issuer", "title", "alias"])]
    pub header: bool,
    /// A table of short documents, one a row, with tabs: code, date, type, issuer, title, text; doc and section if wanted.
    #[arg(long, value_name = "TSV", conflicts_with_all = ["code", "date", "kind", "issuer", "title", "alias", "replaces", "amends", "withdraws"])]
    pub corpus: Option<PathBuf>,
}

fn day(text: &str) -> Result<Date, String> {
    Date::parse(text).ok_or_else(|| "expected a day like 2026-12-05".to_owned())
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Words with or without marks, codes (12-HD/BTCTW, hd 12), articles (Điều 5), raw Telex and VNI keystrokes; the last word may be
a beginning. With --json a list, best first.")]
pub(crate) struct Search {
    /// What to look for.
    #[arg(allow_hyphen_values = true)]
    pub query: String,
    /// Most results.
    #[arg(long, default_value_t = sotay_engine::study::search::DEFAULT_RESULTS, value_name = "NUMBER")]
    pub limit: usize,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Answers are sentences of the documents, word for word, with where they stand; there are none but these.")]
pub(crate) struct Ask {
    /// The question.
    #[arg(allow_hyphen_values = true, required_unless_present_any = ["kept", "forget"])]
    pub question: Option<String>,
    /// Keep the question for the secretary if nothing is found.
    #[arg(long)]
    pub keep: bool,
    /// List the questions that are kept.
    #[arg(long, conflicts_with_all = ["question", "keep", "forget"])]
    pub kept: bool,
    /// Forget a kept question, by its number in the list.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["question", "keep"])]
    pub forget: Option<usize>,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Reads standard input and writes every line as a voice is to say it: numbers, dates, codes, abbreviations in words. Needs no
profile.")]
pub(crate) struct Speech {
    /// Whose number words: north (nghìn, linh) or south (ngàn, lẻ).
    #[arg(long, value_parser = region, default_value = "north")]
    pub region: Region,
}

fn region(text: &str) -> Result<Region, String> {
    match text {
        "north" => Ok(Region::Northern),
        "south" => Ok(Region::Southern),
        _ => Err("expected north or south".to_owned()),
    }
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Shows the section at which reading goes on, and notes how far you came. The marks are yours alone: they reach your other
phones and nobody else's.")]
pub(crate) struct Read {
    /// Document: number in the list, alias, code, or beginning of the id.
    pub document: String,
    /// Read this section: number in the contents, or as it is cited ('Điều 5').
    #[arg(long, value_name = "SECTION")]
    pub section: Option<String>,
    /// Read up to this paragraph, counted through the whole document.
    #[arg(long, value_name = "PARAGRAPH", conflicts_with = "section")]
    pub to: Option<u32>,
    /// Seconds that were spent reading.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub seconds: u32,
    /// You are done with the document; shows no text unless --section or --to is given.
    #[arg(long)]
    pub done: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Speaks through espeak-ng, sentence by sentence, and shows the sentence that is spoken. Goes on where reading stopped.")]
pub(crate) struct Speak {
    /// Document: number in the list, alias, code, or beginning of the id.
    pub document: String,
    /// Speak this section only.
    #[arg(long, value_name = "SECTION")]
    pub section: Option<String>,
    /// Whose number words: north or south.
    #[arg(long, value_parser = region, default_value = "north")]
    pub region: Region,
    /// Words a minute.
    #[arg(long, default_value_t = 160, value_parser = clap::value_parser!(u32).range(60..=450))]
    pub rate: u32,
    /// The program that speaks; it is called as espeak-ng is, and given the sentence on standard input.
    #[arg(long, default_value = "espeak-ng", value_name = "PROGRAM")]
    pub program: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sotay quiz draft 10/2022/QH15 --out draft.toml     then read every question and set accepted = true
  sotay quiz publish draft.toml
  sotay quiz take 1

Answers are typed one a line: a letter, several letters (a c), đ or s, a number; an empty line leaves a question out.")]
pub(crate) struct Quiz {
    #[command(subcommand)]
    pub command: Option<QuizCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum QuizCommand {
    /// The quizzes of the branch, and how you stand (the default).
    List,
    /// Draft questions from a document into a file, for a person to review.
    Draft {
        /// Document: number in the list, alias, code, or beginning of the id.
        document: String,
        /// The file to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Most questions.
        #[arg(long, default_value_t = 20, value_name = "NUMBER")]
        count: usize,
        /// Another number gives other questions.
        #[arg(long, default_value_t = 1, value_name = "NUMBER")]
        seed: u64,
        /// Title of the quiz; the document's when left out.
        #[arg(long)]
        title: Option<String>,
    },
    /// Publish the accepted questions of a reviewed file. Officers only.
    Publish {
        /// The file.
        file: PathBuf,
    },
    /// Take a quiz.
    Take {
        /// Quiz: number in the list, or beginning of the id.
        quiz: String,
        /// Order of questions and choices; from the clock when left out.
        #[arg(long, value_name = "NUMBER")]
        seed: Option<u64>,
    },
    /// Your attempts at a quiz.
    Results {
        /// Quiz: number in the list, or beginning of the id.
        quiz: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Study {
    /// Answer the questions that are due, as in a quiz.
    #[arg(long)]
    pub repeat: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Broadcasts {
    #[command(subcommand)]
    pub command: Option<BroadcastsCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BroadcastsCommand {
    /// What is on, what comes next, and what is over (the default).
    List,
    /// Publish a schedule. Officers only. It replaces what earlier ones say of its days.
    Publish {
        /// A table with tabs: start (2026-12-05T19:30), minutes, title, links ('VTV1 https://…', several with | between),
        /// and, if wanted, recording: a file beside the table, whose size and hash are published.
        file: PathBuf,
    },
    /// Take in the recording of a broadcast from a file that came some other way: it is kept only if it is the one published.
    Fetch {
        /// The broadcast: its number in the list.
        broadcast: usize,
        /// The file that came.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// Where to keep it; its published name in this folder when left out.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}
