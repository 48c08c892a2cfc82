//! `sotay`, the command-line client of Sổ Tay: what a phone app does, from a terminal.
//!
//! It is thin: it reads arguments, calls the engine and prints what the engine says. What a command means, who may do
//! it and what contradicts what is decided below it. `docs/CLI.md` walks through it and lists the JSON of every command.
//!
//! | module | question it answers |
//! |---|---|
//! | `args` | what can be typed |
//! | `commands` | what each command calls; one module for each family, and room for more beside them |
//! | `pick` | whom or what did the person name |
//! | `show` | how does it look in a terminal |
//! | `voice` | in which words |
//! | `failure` | what went wrong, whose fault, what next, which exit status |
//! | `client`, `files` | what is remembered beside the profile, and how files are read and written |

mod args;
mod client;
mod commands;
mod failure;
mod files;
mod pick;
mod reply;
mod session;
mod show;
mod voice;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::args::Cli;
use crate::failure::Failure;
use crate::session::Session;
use crate::voice::Voice;

/// Runs the client with these arguments, the first of which is the program's name.
///
/// Exit status: 0 done, 2 usage, 3 input, 4 not allowed, 5 network, 6 storage, 7 internal.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => return refuse(&args, &error),
    };
    let session = Session::new(&cli.global);
    match commands::run(&session, cli.command) {
        Ok(reply) => {
            reply.print(session.json);
            ExitCode::SUCCESS
        }
        Err(failure) => failure.report(session.voice, session.json),
    }
}

/// Arguments that cannot be read; also `--help` and `--version`, which clap hands over as errors.
fn refuse(args: &[OsString], error: &clap::Error) -> ExitCode {
    let json = args
        .iter()
        .take_while(|arg| *arg != "--")
        .any(|arg| arg == "--json");
    if error.use_stderr() && json {
        return Failure::usage(error).report(Voice::of_args(args), true);
    }
    // Nothing can be done about a closed terminal.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}
