//! A deterministic simulator: phones, a relay, their disks and the network between them in one thread and one virtual
//! time. One seed decides everything: who does what, how long every frame takes, what breaks and when.
//!
//! [`run`] plays one seed: people work on their phones while connections are cut, processes die inside a commit, disks
//! fill up, clocks jump and the relay is replaced by an older copy of itself or by an empty one. Then everything heals,
//! everybody syncs, and the checks of `check` have to hold.

mod act;
mod check;
mod ledger;
mod network;
mod trouble;
mod watch;
mod world;

use std::collections::BTreeMap;

use world::World;

/// How long a run is.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Things that happen before everything heals.
    pub steps: u32,
    /// Print every step.
    pub verbose: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            steps: 200,
            verbose: false,
        }
    }
}

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// How often each kind of thing happened.
    pub happened: BTreeMap<&'static str, u64>,
    /// Hash of the minutes of every meeting at the end.
    pub minutes: Vec<String>,
    /// Envelopes at the relay at the end.
    pub envelopes: u64,
}

/// Plays one seed. `Err` tells what did not hold, with the last steps before it.
pub fn run(seed: u64, options: Options) -> Result<Report, String> {
    let watch = watch::Watch::start();
    let mut world = World::new(seed, options.verbose);
    let result = world
        .play(options.steps)
        .and_then(|()| world.heal())
        .and_then(|()| world.check_end());
    let result = result.and_then(|()| match watch.errors() {
        errors if errors.is_empty() => Ok(()),
        errors => Err(format!("ERROR events were logged: {errors:?}")),
    });
    match result {
        Ok(()) => Ok(world.report()),
        Err(what) => Err(format!(
            "SOTAY_SEED={seed}: {what}\nlast steps:\n{}",
            world.last_steps()
        )),
    }
}
