//! Meetings: commands in, views, review list and minutes out. No rule lives here; `sotay_handbook` has them.

use data_encoding::HEXLOWER;
use serde::Serialize;
use sha2::{Digest, Sha256};
use sotay_document::crdt::ChangeHash;
use sotay_feed::{DeviceId, DocId, InOrder, SpaceKind};
use sotay_handbook::meeting::{self, Command, MeetingKind, MeetingView, Step};
use sotay_handbook::review::{APART_PREFIX, ReviewItem, ReviewList};
use sotay_handbook::{
    Acting, CommandError, Date, Devices, DocKind, EntryId, Holder, Month, monthly_meeting_id,
    other_meeting_id,
};
use sotay_membership::{Denied, Membership, rank};
use sotay_store::Store;

use super::Device;
use super::books::BookKey;
use crate::error::DeviceError;

/// A line of the list of meetings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MeetingHeading {
    /// Its document, in hexadecimal.
    #[serde(serialize_with = "crate::text_of")]
    pub doc: DocId,
    /// Kind, as far as recorded.
    pub kind: Option<MeetingKind>,
    /// Month of a monthly meeting.
    pub month: Option<Month>,
    /// Day.
    pub date: Option<Date>,
    /// The furthest step taken.
    pub phase: Option<Step>,
    /// Open items of its review list.
    pub review_open: usize,
}

/// Minutes as they stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MinutesText {
    /// The canonical text.
    pub text: String,
    /// SHA-256 of the text, in hexadecimal.
    pub sha256: String,
    /// Heads of the document it was rendered from, sorted, in hexadecimal.
    pub heads: Vec<String>,
}

impl<S: Store> Device<S> {
    /// A fresh id for an entry that a command adds.
    pub fn fresh_id(&mut self) -> EntryId {
        let mut bytes = [0; 16];
        self.rng.fill_bytes(&mut bytes);
        EntryId::from_bytes(bytes)
    }

    /// Begins a meeting. A monthly one has the same document on every phone, whoever begins it first; beginning it
    /// again changes nothing that matters.
    pub fn new_meeting(
        &mut self,
        kind: MeetingKind,
        month: Option<Month>,
        date: Option<Date>,
        now: i64,
    ) -> Result<DocId, DeviceError> {
        let unit = self.home()?.unit;
        let doc = match month {
            Some(month) if kind.is_monthly() => monthly_meeting_id(unit, kind, month),
            _ => other_meeting_id(unit, *self.fresh_id().as_bytes()),
        };
        let space = if kind == MeetingKind::Committee {
            SpaceKind::Committee
        } else {
            SpaceKind::Main
        };
        let key = BookKey {
            doc,
            kind: DocKind::Meeting,
            schema: DocKind::Meeting.schema(),
            space,
        };
        // Somebody else began it, held it and sealed it: it is there already.
        if self.sealed(doc)?.standing().is_none() {
            self.meeting_commands(key, &[Command::Found { kind, month, date }], now)?;
        }
        Ok(doc)
    }

    /// Carries out one command.
    pub fn meeting(&mut self, doc: DocId, command: &Command, now: i64) -> Result<(), DeviceError> {
        self.meeting_all(doc, std::slice::from_ref(command), now)
    }

    /// Carries out several commands as one change, all or nothing.
    pub fn meeting_all(&mut self, doc: DocId, commands: &[Command], now: i64) -> Result<(), DeviceError> {
        let key = self.meeting_key(doc)?;
        let writes = commands.iter().any(|command| !command.may_follow_a_seal());
        if writes && self.sealed(doc)?.standing().is_some() {
            return Err(CommandError::Sealed.into());
        }
        self.meeting_commands(key, commands, now)
    }

    /// The same after the minutes were sealed, by an officer: what is written waits beside the sealed text until it is
    /// signed as an addendum or in the next edition.
    pub fn amend_all(&mut self, doc: DocId, commands: &[Command], now: i64) -> Result<(), DeviceError> {
        let key = self.meeting_key(doc)?;
        if !self.acting(now)?.is_officer() {
            return Err(CommandError::OfficersOnly.into());
        }
        self.meeting_commands(key, commands, now)
    }

    /// Notes a file that belongs to a meeting: its name, type, size and hash. The file itself stays where it is.
    pub fn attach_file(
        &mut self,
        doc: DocId,
        (name, media): (&str, &str),
        content: &[u8],
        pages: u32,
        now: i64,
    ) -> Result<EntryId, DeviceError> {
        let id = self.fresh_id();
        let command = Command::Attach {
            id,
            name: name.into(),
            media: media.into(),
            bytes: u32::try_from(content.len()).unwrap_or(u32::MAX),
            blake3: *blake3::hash(content).as_bytes(),
            pages,
        };
        self.meeting(doc, &command, now)?;
        Ok(id)
    }

    fn meeting_commands(&mut self, key: BookKey, commands: &[Command], now: i64) -> Result<(), DeviceError> {
        let acting = self.acting(now)?;
        let reading = self.reading(key)?;
        self.edit(key, now, |tx| {
            let setting = reading.setting(key.doc);
            commands
                .iter()
                .try_for_each(|command| meeting::apply(tx, &acting, &setting, command))
        })
    }

    /// All meetings this device knows, newest first.
    pub fn meetings(&mut self) -> Result<Vec<MeetingHeading>, DeviceError> {
        let mut all = Vec::new();
        for key in self.documents(DocKind::Meeting)? {
            let (view, review) = self.whole(key)?;
            all.push(MeetingHeading {
                doc: key.doc,
                kind: view.kind.value,
                month: view.month.value,
                date: view.date.value,
                phase: view.phase,
                review_open: review.open().len(),
            });
        }
        all.in_order_by_key(|meeting| {
            (
                meeting.date.map(Date::month).or(meeting.month),
                meeting.date,
                meeting.doc,
            )
        });
        all.reverse();
        Ok(all)
    }

    /// Everything a screen needs of a meeting.
    pub fn meeting_view(&mut self, doc: DocId) -> Result<MeetingView, DeviceError> {
        let key = self.meeting_key(doc)?;
        Ok(self.whole(key)?.0)
    }

    /// What contradicts itself in a meeting, or in another document of the handbook.
    pub fn review(&mut self, doc: DocId) -> Result<ReviewList, DeviceError> {
        let key = self.known_document(doc)?.ok_or(DeviceError::NoMeeting)?;
        if key.kind != DocKind::Meeting {
            return self.year_review(key);
        }
        Ok(self.whole(key)?.1)
    }

    /// What the document says of a meeting, and what only its seals and the other meetings know.
    fn whole(&mut self, key: BookKey) -> Result<(MeetingView, ReviewList), DeviceError> {
        let seen = self.seen(key)?;
        let (mut view, mut review) = (seen.view.clone(), seen.review.clone());
        review.extend(self.outside_items(key, &mut view)?);
        Ok((view, review))
    }

    /// Settles an item of the review list by one of its options.
    pub fn settle(&mut self, doc: DocId, item: &str, pick: &str, now: i64) -> Result<(), DeviceError> {
        if item.starts_with(APART_PREFIX) {
            return self.settle_apart(doc, item, pick, now);
        }
        if self.settle_outside(doc, item, pick, now)? {
            return Ok(());
        }
        let id = self.fresh_id();
        let key = self.known_document(doc)?.ok_or(DeviceError::NoMeeting)?;
        if key.kind != DocKind::Meeting {
            return self.settle_of_year(key, (item.to_owned(), pick.to_owned()), id, now);
        }
        self.meeting(
            doc,
            &Command::Settle {
                item: item.to_owned(),
                pick: pick.to_owned(),
                id,
            },
            now,
        )
    }

    /// The minutes, and their hash, equal on every device with the same records: as they were sealed, or as they stand
    /// while nobody has sealed them.
    pub fn minutes(&mut self, doc: DocId) -> Result<MinutesText, DeviceError> {
        let key = self.meeting_key(doc)?;
        let sealed = self.sealed(doc)?;
        let (text, heads) = match sealed.standing() {
            Some(known) => (known.text()?, known.heads()),
            None => (self.text_now(key)?.1, self.heads(key)?),
        };
        let hex = |ChangeHash(hash): &ChangeHash| HEXLOWER.encode(hash);
        Ok(MinutesText {
            sha256: HEXLOWER.encode(&Sha256::digest(text.as_bytes())),
            heads: heads.iter().map(hex).collect(),
            text,
        })
    }

    /// Open review items of all meetings, newest meeting first, then of the other documents.
    pub fn review_all(&mut self) -> Result<Vec<(DocId, ReviewItem)>, DeviceError> {
        let mut all = Vec::new();
        for meeting in self.meetings()? {
            let list = self.review(meeting.doc)?;
            all.extend(list.open().iter().map(|item| (meeting.doc, item.clone())));
        }
        for key in self.reviewed_documents()? {
            let list = self.year_review(key)?;
            all.extend(list.open().iter().map(|item| (key.doc, item.clone())));
        }
        Ok(all)
    }

    pub(super) fn meeting_key(&self, doc: DocId) -> Result<BookKey, DeviceError> {
        let known = self.known_document(doc)?;
        known
            .filter(|key| key.kind == DocKind::Meeting)
            .ok_or(DeviceError::NoMeeting)
    }

    /// Who acts on this device now.
    pub(super) fn acting(&self, now: i64) -> Result<Acting, DeviceError> {
        let membership = self.membership()?;
        membership.may_be_served(self.id())?;
        let standing = membership.standing(self.id()).ok_or(Denied::UnknownDevice)?;
        if standing.rank == rank::GUEST {
            return Err(Denied::Rank.into());
        }
        Ok(Acting {
            device: self.id(),
            member: standing.member,
            rank: standing.rank,
            committee: standing.flags.committee,
            at_ms: now,
        })
    }

    /// All devices of the unit, also former ones: what they recorded stays theirs.
    pub(super) fn holders(&self) -> Result<Devices, DeviceError> {
        Ok(holders_of(self.membership()?))
    }

    /// Label of a device, or the beginning of its id.
    pub fn device_label(&self, device: DeviceId) -> String {
        use sotay_handbook::Names;
        self.people
            .device(device)
            .map_or_else(|| device.to_string()[..8].to_owned(), str::to_owned)
    }
}

/// All devices of a unit, also former ones: what they recorded stays theirs.
pub(super) fn holders_of(membership: &Membership) -> Devices {
    let mut devices = Devices::new();
    for member in membership.members() {
        let officer = member.rank <= rank::DEPUTY || member.flags.committee;
        for (device, _) in member.devices {
            devices.insert(
                device,
                Holder {
                    member: Some(member.member),
                    officer,
                },
            );
        }
    }
    devices
}
