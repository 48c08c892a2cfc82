//! Votes: motions, counts, ballots.

use sotay_engine::feed::DeviceId;
use sotay_engine::handbook::EntryId;
use sotay_engine::handbook::meeting::{Command, Place, TallyCount};

use super::{Ground, Planned, about_entry};
use crate::args::{Motion, Tally, Vote};
use crate::failure::{Code, Failure};
use crate::pick;

impl Ground<'_> {
    pub(super) fn motion(&self, args: Motion) -> Planned {
        match args {
            Motion::Add {
                text,
                agenda,
                method,
                need,
            } => {
                let agenda = self.agenda_of(agenda)?;
                let said = self
                    .voice
                    .say("did.motion_add", &[("number", &(self.view.motions.len() + 1))]);
                let command = Command::AddMotion {
                    id: self.fresh,
                    agenda,
                    text: text.into(),
                    method,
                    need,
                    place: Place::Last,
                };
                Ok(self.added(command, "motion.add", said))
            }
            Motion::Edit { motion, text } => {
                let id = self.motion_id(&motion)?;
                let said = self.voice.say("did.motion_edit", &[]);
                Ok(about_entry(
                    Command::EditMotion {
                        id,
                        text: text.into(),
                    },
                    id,
                    "motion.edit",
                    said,
                ))
            }
            Motion::Time { motion, time } => {
                let (id, at) = (self.motion_id(&motion)?, pick::time(&time, self.day())?);
                let said = self.voice.say("did.motion_time", &[("time", &at.hours())]);
                Ok(about_entry(
                    Command::SetVoteTime { id, at },
                    id,
                    "motion.time",
                    said,
                ))
            }
            Motion::Open { motion } => {
                let id = self.motion_id(&motion)?;
                let said = self.voice.say("did.motion_open", &[]);
                Ok(about_entry(Command::OpenVote { id }, id, "motion.open", said))
            }
        }
    }

    fn motion_id(&self, text: &str) -> Result<EntryId, Failure> {
        pick::entry(
            &self
                .view
                .motions
                .iter()
                .map(|motion| motion.id)
                .collect::<Vec<_>>(),
            text,
        )
    }

    pub(super) fn tally(&self, args: Tally) -> Planned {
        let motion = self.motion_id(&args.motion)?;
        let board = args
            .board
            .map(|text| self.people.many(&text))
            .transpose()?
            .unwrap_or_default();
        let counts = TallyCount {
            for_: args.for_,
            against: args.against,
            other: args.other,
            invalid: args.invalid,
        };
        let counted = format!("{}/{}/{}", counts.for_, counts.against, counts.other);
        let said = self.voice.say("did.tally", &[("counts", &counted)]);
        Ok(about_entry(
            Command::RecordTally {
                motion,
                counts,
                board,
            },
            motion,
            "tally",
            said,
        ))
    }

    pub(super) fn confirm(&self, motion: &str, of: Option<&str>) -> Planned {
        let motion = self.motion_id(motion)?;
        let tallies = self
            .view
            .motion(motion)
            .map(|motion| motion.tallies.as_slice())
            .unwrap_or_default();
        let recorders: Vec<DeviceId> = tallies.iter().map(|tally| tally.mark.device).collect();
        let recorder = match (of, recorders.as_slice()) {
            (Some(of), _) => pick::member_device(&recorders, of, self.names)?,
            (None, [one]) => *one,
            (None, []) => return Err(Failure::new(Code::NotCounted)),
            (None, several) => {
                let labels: Vec<String> = several
                    .iter()
                    .map(|&phone| self.voice.device(phone, self.names))
                    .collect();
                return Err(Failure::new(Code::SeveralTallies).with("list", labels.join(", ")));
            }
        };
        let said = self.voice.say(
            "did.confirm",
            &[("phone", &self.voice.device(recorder, self.names))],
        );
        Ok(about_entry(
            Command::ConfirmTally {
                motion,
                recorder,
                id: self.fresh,
            },
            motion,
            "confirm",
            said,
        ))
    }

    pub(super) fn vote(&self, args: Vote) -> Planned {
        let (motion, member) = (self.motion_id(&args.motion)?, self.people.one(&args.by)?);
        let said = self.voice.say(
            "did.vote",
            &[
                ("name", &self.name(member)),
                ("ballot", &self.voice.word(args.ballot)),
            ],
        );
        let command = Command::Vote {
            motion,
            member,
            ballot: args.ballot,
            how: args.how,
        };
        Ok(about_entry(command, motion, "vote", said))
    }
}
