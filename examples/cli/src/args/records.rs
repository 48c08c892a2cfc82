//! Sealed records and feedback.

use clap::{Args, Subcommand};
use sotay_engine::handbook::feedback::FeedbackStatus;

use super::coded;

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The file that `sotay meeting seal-file` wrote.
    pub file: String,
    /// Id of the unit that you expect, 64 hexadecimal digits.
    #[arg(long, value_name = "ID")]
    pub unit: Option<String>,
    /// Print the sealed texts too.
    #[arg(long)]
    pub text: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
What you wrote is listed when nothing else is asked for. The committee's list is sotay feedback inbox; reading it is noted.
Examples:
  sotay feedback send 'Đề nghị sửa loa truyền thanh.' --topic Loa
  sotay feedback send --nameless 'Đề nghị công khai quỹ thôn.'
  sotay feedback answer F1 --text 'Đã sửa ngày 12/5.'")]
pub(crate) struct Feedback {
    #[command(subcommand)]
    pub command: Option<FeedbackCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FeedbackCommand {
    /// Write to the committee; nobody else can read it. It leaves with the next sync.
    Send {
        /// What you have to say, or - for standard input.
        text: String,
        /// What it is about, in a line.
        #[arg(long, value_name = "TOPIC")]
        topic: Option<String>,
        /// The meeting it is about.
        #[arg(long, value_name = "MEETING")]
        about: Option<String>,
        /// Without your name: neither your name nor your phone nor the time of day is recorded.
        #[arg(long)]
        nameless: bool,
        /// The level above may learn your name too, should the committee pass this up. Otherwise it goes up without name.
        #[arg(long, conflicts_with = "nameless")]
        name_above: bool,
    },
    /// What you wrote on this phone, and what was answered (the default).
    Mine,
    /// Take an item back.
    Withdraw {
        /// Which, by the beginning of its id.
        item: String,
    },
    /// What the committee received (committee only).
    Inbox,
    /// Record what has become of an item, and answer it (committee only).
    Answer {
        /// Which: F2, or the beginning of its id.
        item: String,
        /// What has become of it; left out, it is answered with --text and received without.
        #[arg(long, value_parser = coded::<FeedbackStatus>())]
        status: Option<FeedbackStatus>,
        /// The answer, or - for standard input.
        #[arg(long, value_name = "TEXT")]
        text: Option<String>,
        /// Everybody in the unit reads the answer; without it the writer alone.
        #[arg(long)]
        public: bool,
    },
    /// The public answers of the committee.
    Answers,
    /// Pass an item up to the level above, with the writer's name only if the writer agreed (secretary or deputy).
    Pass {
        /// Which: F2, or the beginning of its id.
        item: String,
    },
    /// What was passed up, and what was said of it above (secretary or deputy).
    Passed,
    /// Hand the answer from above on, to the writer or to everybody, as it was meant (committee only).
    HandOn {
        /// Which: F2, or the beginning of its id.
        item: String,
    },
}
