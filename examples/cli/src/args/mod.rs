//! What can be typed. Help is in English; everything else that a person reads is in the language of `--lang`.

mod coded;
mod enrol;
mod guest;
mod lock;
mod meeting;
mod members;
mod network;
mod paper;
mod personal;
mod province;
mod records;
mod root;
mod snapshot;
mod study;
mod transfer;
mod year;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use sotay_engine::handbook::Lang;

pub(crate) use coded::{Coded, coded};
pub(crate) use enrol::{Enrolment, EnrolmentCommand, Grade, Invite, Join, Unit, UnitCommand, Whom};
pub(crate) use guest::{GuestCommand, Guests};
pub(crate) use lock::{Pin, PinCommand};
pub(crate) use meeting::{
    Agenda, Attend, Change, Conclude, ConclusionChange, Guest, Meeting, MeetingCommand, Minutes, Motion, New,
    Note, Print, Seal, Set, Speech, Tally, Vote, Who,
};
pub(crate) use members::{Add, Export, Import, Members, MembersCommand, Regrade, Revoke, SetMember, Why};
pub(crate) use network::{History, Relay, RelayCommand, Review, Sync, Watch};
pub(crate) use paper::{Paper, PrintFormat};
pub(crate) use personal::{Person, PersonCommand};
pub(crate) use province::{LetterCommand, Province, ProvinceCommand};
pub(crate) use records::{Feedback, FeedbackCommand, Verify};
pub(crate) use root::{Level, Root, RootCommand, Units};
pub(crate) use snapshot::{Snapshot, SnapshotCommand, SnapshotSpace};
pub(crate) use study::Speech as SpokenLines;
pub(crate) use study::{
    Ask, Broadcasts, BroadcastsCommand, Library, LibraryCommand, Publish, Quiz, QuizCommand, Read, Search,
    Sharing, Speak, Study,
};

pub(crate) use transfer::{TransferArgs, TransferCommand};
pub(crate) use year::{
    Directives, DirectivesCommand, Fees, FeesCommand, Rating, RatingCommand, Report, ReportCommand,
    Resolution, ResolutionCommand, SetResolution, Tasks, TasksCommand, TemplateSort, Undo,
};

/// Environment variable that names the profile folder.
pub(crate) const PROFILE_VARIABLE: &str = "SOTAY_PROFILE";
/// Environment variable that names the language.
pub(crate) const LANG_VARIABLE: &str = "SOTAY_LANG";
/// Environment variable that names the vault file.
pub(crate) const VAULT_VARIABLE: &str = "SOTAY_VAULT";
/// Environment variable that holds the passphrase of the vault.
pub(crate) const PASSPHRASE_VARIABLE: &str = "SOTAY_PASSPHRASE";
/// Environment variable that holds the PIN of the profile.
pub(crate) const PIN_VARIABLE: &str = "SOTAY_PIN";
/// Environment variable that holds a PIN to be set.
pub(crate) const NEW_PIN_VARIABLE: &str = "SOTAY_NEW_PIN";
/// Folder when neither option nor variable names one.
const PROFILE_DEFAULT: &str = "sotay-profile";

const ABOUT: &str = "Sổ Tay: the handbook of a branch, from a terminal";

const LONG_ABOUT: &str = "\
Sổ Tay: the handbook of a branch, from a terminal.

A profile is a folder; it stands for one phone of one person. Everything works without a network and is on disk when a
command returns. Phones meet through a relay (sotay sync), and what two phones wrote is merged: nothing is asked then.
What contradicts itself goes on a list (sotay review) and is settled by the chair or the secretary.";

const TOUR: &str = "\
A first tour:
  sotay unit create 'Chi bộ thôn An Lạc' --upper 'Đảng bộ xã Đông Phong' --founder 'Lê Văn An'
  sotay members add 'Trần Thị Bình' --role deputy
  sotay meeting new --month 2026-12 --date 2026-12-05
  sotay meeting open
  sotay meeting attend 1-2
  sotay meeting speech add --by 2 'Đề nghị nạo vét mương trước vụ mùa.'
  sotay meeting conclude 'Giao tổ 3 nạo vét mương.' --deadline 2026-12-20 --responsible 2
  sotay meeting minutes
  sotay sync --relay relay.example:7843#KEY

Exit status: 0 done, 2 usage, 3 input, 4 not allowed, 5 network, 6 storage, 7 internal.
docs/CLI.md has a walk-through and the JSON of every command.";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "sotay", version, about = ABOUT, long_about = LONG_ABOUT, after_long_help = TOUR)]
#[command(arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// Folder of the profile.
    #[arg(long, global = true, value_name = "DIR", env = PROFILE_VARIABLE, default_value = PROFILE_DEFAULT)]
    pub profile: PathBuf,
    /// Vault that keeps the keys of the profile, under a passphrase (SOTAY_PASSPHRASE, or asked); made if it is not there.
    #[arg(long, global = true, value_name = "FILE", env = VAULT_VARIABLE)]
    pub vault: Option<PathBuf>,
    /// Print one JSON object instead of text (watch: one a line).
    #[arg(long, global = true)]
    pub json: bool,
    /// Language of messages: vi or en.
    #[arg(long, global = true, value_name = "LANG", env = LANG_VARIABLE, default_value = "vi", value_parser = lang)]
    pub lang: Lang,
}

/// Reads the name of a language.
pub(crate) fn lang(text: &str) -> Result<Lang, String> {
    match text {
        "vi" => Ok(Lang::Vi),
        "en" => Ok(Lang::En),
        _ => Err("expected vi or en".to_owned()),
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Found a branch, or show the one this profile belongs to.
    Unit(Unit),
    /// Ask to be admitted, or accept the invitation that came back. Needs no network.
    Join(Join),
    /// Admit another phone: make its invitation. Needs no network.
    Invite(Invite),
    /// Admit a whole branch with one code on the wall. Needs no network.
    Hall(Enrolment),
    /// Guests of one meeting: let in, list, end; and what a guest's phone reads.
    Guest(Guests),
    /// The roster: list, add, import, change, rename; the phones of members: list, remove, suspend.
    Members(Members),
    /// Personal data: contacts, erasing, consent, who opened what, your own data in a file.
    Person(Person),
    /// The level above branches: found them, and read their reports.
    Province(Province),
    /// Members who move to another branch, come from one, or are away for a time.
    Transfer(TransferArgs),
    /// The bodies above this unit, and whether what they publish can be read here.
    Levels,
    /// Hold a meeting: attendance, agenda, speeches, votes, conclusions, minutes.
    Meeting(Box<Meeting>),
    /// Write to the committee, with or without your name, and see what became of it.
    Feedback(Feedback),
    /// Check a file of sealed minutes: who sealed what, when. Needs no profile and no network.
    Verify(Verify),
    /// What contradicts itself after phones wrote apart, and how to settle it.
    Review(Review),
    /// Signed snapshots: two officers sign what a relay need not keep one by one.
    Snapshot(Snapshot),
    /// Exchange everything with a relay, in both directions.
    Sync(Sync),
    /// How this phone stands towards its relays, without asking them.
    Status,
    /// Stay connected and print what changes until Ctrl-C.
    Watch(Watch),
    /// Who changed what in a meeting, oldest first.
    History(History),
    /// The relay addresses this profile remembers.
    Relay(Relay),
    /// The PIN of this profile: status, set, change, remove.
    Pin(Pin),
    /// The documents of the branch: list, show, publish.
    Library(Library),
    /// Search the documents. Needs no network.
    Search(Search),
    /// Ask a question; answers are sentences of the documents, word for word.
    Ask(Ask),
    /// Write lines of standard input as they are to be spoken. Needs no profile.
    Speech(SpokenLines),
    /// Read a document where you stopped, and note how far you came.
    Read(Read),
    /// Have a document read aloud.
    Speak(Speak),
    /// Quizzes on the documents: list, draft, publish, take, results.
    Quiz(Quiz),
    /// How your learning stands, and what is due for repetition.
    Study(Study),
    /// The schedule of online television.
    Broadcasts(Broadcasts),
    /// What belongs on your first screen now: the meeting, what to do, what waits.
    Home,
    /// Undo what this phone did last in a meeting, as a new change.
    Undo(Undo),
    /// Tasks of a year: give, report, reopen.
    Tasks(Tasks),
    /// The fee ledger: owed, paid, missing; lines and reversing lines.
    Fees(Fees),
    /// Ratings of a year: three columns of points side by side.
    Rating(Rating),
    /// Resolutions, NN-NQ/CB.
    Resolution(Resolution),
    /// The monthly report upward, in revisions.
    Report(Report),
    /// Policies, fee rates, criteria, holidays and page templates that are in force from a day on.
    Directives(Directives),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_every_argument_explains_itself() {
        fn walk(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            assert!(command.get_about().is_some(), "{path}");
            for argument in command.get_arguments() {
                let known = ["help", "version"].contains(&argument.get_id().as_str());
                assert!(
                    known || argument.get_help().is_some(),
                    "{path} {}",
                    argument.get_id()
                );
            }
            command
                .get_subcommands()
                .filter(|sub| sub.get_name() != "help")
                .for_each(|sub| walk(sub, &path));
        }
        walk(&Cli::command(), "");
    }
}
