//! One module for each family of commands: it reads its arguments, calls the engine, and says what came of it.
//!
//! A new family (`library`, `search`, `ask`, `speech`, `read`, `quiz`, `study`) is a module here, a module of `args`, and
//! one line below.

mod feedback;
mod guest;
mod hall;
mod history;
mod invite;
mod join;
mod levels;
mod meeting;
mod members;
mod paper;
mod person;
mod pin;
mod policy;
mod province;
mod relay;
mod review;
mod root;
mod snapshot;
mod status;
mod study;
mod sync;
mod transfer;
mod unit;
mod verify;
mod watch;
mod year;

pub(crate) use levels::publisher;

use crate::args::Command;
use crate::failure::Failure;
use crate::reply::Reply;
use crate::session::Session;

/// Carries a command out.
pub(crate) fn run(session: &Session, command: Command) -> Result<Reply, Failure> {
    match command {
        Command::Unit(args) => unit::run(session, args),
        Command::Join(args) => join::run(session, args),
        Command::Invite(args) => invite::run(session, args),
        Command::Transfer(args) => transfer::run(session, args),
        Command::Levels => levels::run(session),
        Command::Hall(args) => hall::run(session, args),
        Command::Person(args) => person::run(session, args),
        Command::Province(args) => province::run(session, args),
        Command::Guest(args) => guest::run(session, args),
        Command::Members(args) => members::run(session, args),
        Command::Meeting(args) => meeting::run(session, *args),
        Command::Feedback(args) => feedback::run(session, args),
        Command::Verify(args) => verify::run(session, args),
        Command::Review(args) => review::run(session, args),
        Command::Sync(args) => sync::run(session, args),
        Command::Status => status::run(session),
        Command::Watch(args) => watch::run(session, args),
        Command::History(args) => history::run(session, args),
        Command::Snapshot(args) => snapshot::run(session, args.command),
        Command::Relay(args) => relay::run(session, args),
        Command::Pin(args) => pin::run(session, args),
        Command::Library(args) => study::library(session, args),
        Command::Search(args) => study::search(session, args),
        Command::Ask(args) => study::ask(session, args),
        Command::Speech(args) => study::speech(session, args),
        Command::Read(args) => study::read(session, args),
        Command::Speak(args) => study::speak(session, args),
        Command::Quiz(args) => study::quiz(session, args),
        Command::Study(args) => study::study(session, args),
        Command::Broadcasts(args) => study::broadcasts(session, args),
        Command::Home => year::home(session),
        Command::Undo(args) => year::undo(session, args),
        Command::Tasks(args) => year::tasks(session, args),
        Command::Fees(args) => year::fees(session, args),
        Command::Rating(args) => year::rating(session, args),
        Command::Resolution(args) => year::resolution(session, args),
        Command::Report(args) => year::report(session, args),
        Command::Directives(args) => year::directives(session, args),
    }
}
