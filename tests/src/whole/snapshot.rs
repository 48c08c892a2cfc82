//! Snapshots of two officers, a relay that drops what they cover, and newcomers who get what is left.

use sotay_engine::{CoverError, CoverState, today};
use sotay_feed::SpaceKind;
use sotay_store::{DatabaseId, MemoryStore};

use super::{Outcome, World, admit};
use crate::branch::{P2, P3};
use crate::covers::prune;

/// Members whose phones join while much is written.
const NEWCOMERS: [usize; 3] = [13, 15, 16];

impl World {
    pub(super) fn snapshot(&mut self) -> Outcome {
        match self.pick(8) {
            0..3 => self.draft(),
            3..6 => self.sign_snapshots(),
            6 => self.prune(),
            _ => self.newcomer(),
        }
    }

    fn draft(&mut self) -> Outcome {
        let officer = [P2, P3][self.pick(2)];
        let kind = [SpaceKind::Main, SpaceKind::Committee][self.pick(2)];
        let now = self.now();
        let tomorrow = today(now).tomorrow().ok_or("the last day")?;
        match self.phone(officer).draft_cover(kind, tomorrow, now) {
            Ok(_) => self.note("snapshots made"),
            Err(CoverError::Nothing | CoverError::Waits(_)) => self.note("snapshots not made"),
            Err(error) => return Err(format!("a snapshot: {error}")),
        }
        Ok(())
    }

    /// Both officers meet the relay, and sign what the other one made.
    fn sign_snapshots(&mut self) -> Outcome {
        (self.groups[P2], self.groups[P3]) = (0, 0);
        for phone in [P2, P3, P2] {
            self.relay(phone)?;
        }
        for officer in [P2, P3] {
            let lines = self.phone(officer).covers().map_err(|error| error.to_string())?;
            let waiting = lines
                .into_iter()
                .filter(|line| line.yours && line.state == CoverState::Open);
            for line in waiting {
                match self.phone(officer).sign_cover(line.id) {
                    Ok(()) => self.note("snapshots signed"),
                    // One that was made beside another one may need what that one has let go.
                    Err(CoverError::NotHere(_) | CoverError::Beneath(_)) => self.note("snapshots not signed"),
                    Err(error) => return Err(format!("a signature under a snapshot: {error}")),
                }
            }
            self.relay(officer)?;
        }
        Ok(())
    }

    fn prune(&mut self) -> Outcome {
        let unit = self.phone(P3).unit().ok_or("no unit")?;
        if prune(&mut self.relay, unit).envelopes > 0 {
            self.note("pruned by the relay");
        }
        Ok(())
    }

    fn newcomer(&mut self) -> Outcome {
        let Some(number) = NEWCOMERS.get(self.newcomers).copied() else {
            return Ok(());
        };
        self.newcomers += 1;
        let seed = 2_000_000 + self.newcomers as u64;
        admit(
            &mut self.branch,
            number,
            seed,
            MemoryStore::new(DatabaseId([60 + self.newcomers as u8; 16])),
        );
        let group = self.groups[P3];
        self.groups.push(group);
        self.note("newcomers");
        Ok(())
    }

    /// After everything was told to everybody and the relay dropped all it may, somebody joins.
    pub(super) fn last_newcomer(&mut self) -> Outcome {
        self.sign_snapshots()?;
        self.prune()?;
        admit(
            &mut self.branch,
            17,
            3_000_000,
            MemoryStore::new(DatabaseId([70; 16])),
        );
        self.groups.push(0);
        self.heal()
    }
}
