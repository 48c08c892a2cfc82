//! The relay: it keeps and forwards sealed envelopes between the phones of a branch, checks who may, and tells its
//! operator the truth about its health. It cannot read what it keeps: it links no crate that could decrypt.
//!
//! The binary is [`main`]; a program that wants a relay as a child process of its own calls [`run`] with the same
//! arguments. How to run it: `docs/OPERATING.md`.

mod admin;
mod backup;
mod bench;
mod books;
mod cli;
mod commands;
mod config;
mod contacts;
mod data;
mod database;
mod doctor;
mod error;
mod fair;
mod health;
mod history;
mod http;
mod inspect;
mod labels;
mod limits;
mod link;
mod looked;
mod metered;
mod metrics;
mod outbox;
mod permissions;
mod prune;
mod qr;
mod quota;
mod relocate;
mod room;
mod round;
mod serve;
mod shard;
mod shared;
mod socket;
mod strangers;
mod supervisor;
mod web;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

/// Runs the relay with the arguments of this process.
pub fn main() -> ExitCode {
    run(std::env::args_os())
}

/// Runs the relay with the given arguments, the first of which is the program's name, until it ends.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing can be done about a closed terminal.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let result = match cli.command {
        Command::Serve(args) => serve::serve(&args),
        Command::Init(args) => inspect::init(&args),
        Command::Status(args) => inspect::status(&args),
        Command::Verify(args) => inspect::verify(&args),
        Command::Units(args) => commands::units(&args),
        Command::Devices(args) => commands::devices(&args),
        Command::Spaces(args) => commands::spaces(&args),
        Command::Quota(args) => commands::quota(&args),
        Command::Block(args) => commands::block(&args),
        Command::Allow(args) => commands::allow(&args),
        Command::Backup(args) => backup::backup(&args),
        Command::Restore(args) => backup::restore(&args),
        Command::Move(args) => relocate::relocate(&args),
        Command::Export(args) => commands::export(&args),
        Command::Prune(args) => commands::prune(&args),
        Command::Compact(args) => commands::compact(&args),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Web(args) => commands::web(&args),
        Command::Bench(args) => bench::bench(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}
