//! Votes.

use sotay_document::crdt::{ObjId, ObjType, ReadDoc, Transactable};
use sotay_feed::{DeviceId, MemberId};

use super::super::cells::{BallotCell, OpenedCell, TallyCell};
use super::super::command::{Command, Place, TallyCount};
use super::super::kinds::{Ballot, How, Method, Need};
use super::super::read::entry;
use super::super::view::Motion;
use super::{Desk, paragraph};
use crate::cell::object;
use crate::error::{CommandError, What};
use crate::ids::{EntryId, member_device, parse_member_device};
use crate::limits::{MOTION_CHARS_MAX, VOTES_MAX};
use crate::schema;
use crate::sheet::Para;
use crate::words::{Words, paragraph_of};

impl Desk<'_, '_, '_> {
    pub(super) fn vote_command(&mut self, command: &Command) -> Result<(), CommandError> {
        match command {
            Command::AddMotion {
                id,
                agenda,
                text,
                method,
                need,
                place,
            } => {
                self.agenda_exists(*agenda)?;
                self.add_motion(*id, *agenda, text, *method, *need, *place)
            }
            Command::EditMotion { id, text } => self.edit_motion(*id, text),
            Command::OpenVote { id } => self.open_vote(*id),
            Command::SetVoteTime { id, at } => {
                let (map, _) = self.open_motion(*id, |_| true)?;
                self.put(&map, entry::TIME, at)
            }
            Command::RecordTally {
                motion,
                counts,
                board,
            } => self.record_tally(*motion, *counts, board),
            Command::ConfirmTally { motion, recorder, id } => self.confirm_tally(*motion, *recorder, *id),
            Command::Vote {
                motion,
                member,
                ballot,
                how,
            } => self.vote(*motion, *member, *ballot, *how),
            _ => Ok(()),
        }
    }

    fn motion_text(text: &Words) -> Result<(), CommandError> {
        let chars = paragraph(What::Motion, text)?.chars().count();
        if chars > MOTION_CHARS_MAX {
            return Err(CommandError::TooLong {
                what: What::Motion,
                chars,
                limit: MOTION_CHARS_MAX,
            });
        }
        Ok(())
    }

    fn add_motion(
        &mut self,
        id: EntryId,
        agenda: Option<EntryId>,
        text: &Words,
        method: Method,
        need: Need,
        place: Place,
    ) -> Result<(), CommandError> {
        Self::motion_text(text)?;
        let map = self.new_entry(schema::MOTIONS, id, What::Motion, place)?;
        self.put(&map, entry::AGENDA, &agenda)?;
        self.put(&map, entry::METHOD, &method)?;
        self.put(&map, entry::NEED, &need)?;
        self.new_text(&map, What::Motion, text)?;
        for name in [entry::OPENED, entry::TALLIES, entry::BALLOTS] {
            self.tx.put_object(&map, name, ObjType::Map)?;
        }
        Ok(())
    }

    /// A motion with the words that somebody wrote when the vote was open already.
    pub(super) fn second_motion(&mut self, motion: &Motion, id: EntryId) -> Result<(), CommandError> {
        let Some(text) = &motion.reworded else {
            return Ok(());
        };
        self.add_motion(
            id,
            motion.agenda,
            text,
            motion.method,
            motion.need,
            Place::After(motion.id),
        )
    }

    fn is_open(&self, map: &ObjId) -> bool {
        object(self.tx, map, entry::OPENED).is_some_and(|opened| self.tx.keys(&opened).next().is_some())
    }

    fn edit_motion(&mut self, id: EntryId, text: &Words) -> Result<(), CommandError> {
        let map = self.entry(schema::MOTIONS, id, What::Motion)?;
        if self.is_open(&map) {
            return Err(CommandError::VoteOpen);
        }
        Self::motion_text(text)?;
        self.edit_text(&map, What::Motion, text)
    }

    fn open_vote(&mut self, id: EntryId) -> Result<(), CommandError> {
        let map = self.entry(schema::MOTIONS, id, What::Motion)?;
        if self.is_open(&map) {
            return Err(CommandError::VoteOpen);
        }
        let eligible = self.roll().voters(self.setting.policy);
        if eligible.is_empty() {
            return Err(CommandError::NobodyVotes);
        }
        let draft = object(self.tx, &map, entry::TEXT).ok_or(CommandError::Damaged)?;
        let text = Words::from(paragraph_of(&self.tx.text(&draft)?));
        Self::motion_text(&text)?;
        let smallest = |cells: Vec<u8>| cells.into_iter().min();
        let method = smallest(
            self.cells::<Method>(&map, entry::METHOD)
                .iter()
                .map(|m| m.number())
                .collect(),
        );
        let need = smallest(
            self.cells::<Need>(&map, entry::NEED)
                .iter()
                .map(|n| n.number())
                .collect(),
        );
        let cell = OpenedCell {
            text: Para(text),
            eligible,
            method: method.and_then(Method::from_number).unwrap_or(Method::Hands),
            need: need.and_then(Need::from_number).unwrap_or(Need::Majority),
        };
        let opened = object(self.tx, &map, entry::OPENED).ok_or(CommandError::Damaged)?;
        self.put(&opened, &self.acting.device.to_string(), &cell)
    }

    /// The motion, if its vote is open by a method that `fits`.
    fn open_motion(
        &self,
        id: EntryId,
        fits: impl Fn(Method) -> bool,
    ) -> Result<(ObjId, Motion), CommandError> {
        let map = self.entry(schema::MOTIONS, id, What::Motion)?;
        let view = self.view();
        let motion = view.motion(id).ok_or(CommandError::Unknown(What::Motion))?;
        if !motion.opened {
            return Err(CommandError::VoteNotOpen);
        }
        if !fits(motion.method) {
            return Err(CommandError::OtherMethod);
        }
        Ok((map, motion.clone()))
    }

    fn record_tally(
        &mut self,
        id: EntryId,
        counts: TallyCount,
        board: &[MemberId],
    ) -> Result<(), CommandError> {
        let (map, _) = self.open_motion(id, |method| method != Method::OpenElectronic)?;
        for count in [counts.for_, counts.against, counts.other, counts.invalid] {
            if count > VOTES_MAX {
                let (count, limit) = (u64::from(count), u64::from(VOTES_MAX));
                return Err(CommandError::TooMany {
                    what: What::Tally,
                    count,
                    limit,
                });
            }
        }
        self.members(board, What::Member)?;
        let tallies = object(self.tx, &map, entry::TALLIES).ok_or(CommandError::Damaged)?;
        let cell = TallyCell {
            counts,
            board: board.to_vec(),
        };
        self.put(&tallies, &self.acting.device.to_string(), &cell)
    }

    fn confirm_tally(
        &mut self,
        id: EntryId,
        recorder: DeviceId,
        choice: EntryId,
    ) -> Result<(), CommandError> {
        self.acting.must_be_officer()?;
        let (_, motion) = self.open_motion(id, |method| method != Method::OpenElectronic)?;
        let of = |tally: &&super::super::view::TallyClaim| tally.mark.device == recorder;
        let tally = motion
            .tallies
            .iter()
            .find(of)
            .ok_or(CommandError::Unknown(What::Tally))?;
        let seen = motion.tallies.iter().map(|tally| tally.tag).collect();
        self.confirm(&format!("tally/{id}"), tally.tag.to_string(), seen, choice)
    }

    /// A ballot is given once: a second one is refused where the first is known, and settled where both arrive.
    fn vote(&mut self, id: EntryId, member: MemberId, ballot: Ballot, how: How) -> Result<(), CommandError> {
        let (map, _) = self.open_motion(id, |method| method == Method::OpenElectronic)?;
        self.listed(&self.roll(), member)?;
        let ballots = object(self.tx, &map, entry::BALLOTS).ok_or(CommandError::Damaged)?;
        let keys: Vec<String> = self.tx.keys(&ballots).collect();
        if keys
            .iter()
            .filter_map(|key| parse_member_device(key))
            .any(|(voter, _)| voter == member)
        {
            return Err(CommandError::VotedAlready);
        }
        self.put(
            &ballots,
            &member_device(member, self.acting.device),
            &BallotCell { ballot, how },
        )
    }
}
