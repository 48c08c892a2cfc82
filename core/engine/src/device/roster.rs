//! The roster, names, and the unit's card.

use serde::Serialize;
use sotay_document::crdt::ChangeHash;
use sotay_feed::{DeviceId, DocId, Kind, MemberId, SpaceKind, UnitId};
use sotay_handbook::minutes::Heading;
use sotay_handbook::roster::{self, Activity, Command, Role, Roll, RollLine, RosterView, Standing};
use sotay_handbook::{CommandError, Date, DocKind, LocalTime, Names, Words, roster_id};
use sotay_membership::{Denied, State, rank};
use sotay_store::Store;

use super::Device;
use super::books::BookKey;
use super::home::NewUnit;
use super::people::{NAME_BYTES_MAX, PersonRecord, Subject};
use crate::error::DeviceError;

/// Viet Nam is seven hours ahead of UTC all year.
pub const OFFSET_MINUTES: i32 = 7 * 60;

/// Roster lines written as one change; more would not pass the gate of other devices.
pub const LINES_PER_CHANGE_MAX: usize = 50;

/// A member to put on the roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMember {
    /// Full name.
    pub name: String,
    /// Office.
    pub role: Role,
    /// Party group, if the unit has groups.
    pub group: Option<Words>,
    /// Full or probationary.
    pub standing: Standing,
    /// How the member takes part.
    pub activity: Activity,
}

impl NewMember {
    /// A full member who attends.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            role: Role::Member,
            group: None,
            standing: Standing::Full,
            activity: Activity::Attending,
        }
    }
}

/// A device of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberDevice {
    /// The device, in hexadecimal.
    #[serde(serialize_with = "crate::text_of")]
    pub device: DeviceId,
    /// Its label.
    pub label: String,
    /// Whether it may act now.
    pub active: bool,
}

/// A member as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberLine {
    /// The roster's line of the day.
    #[serde(flatten)]
    pub line: RollLine,
    /// Full name, if known here.
    pub name: Option<String>,
    /// Rank of the best grant, if the member has a device.
    pub rank: Option<u8>,
    /// The member's devices.
    pub devices: Vec<MemberDevice>,
}

/// What there is to say of the unit and of this device in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnitCard {
    /// The unit, in hexadecimal.
    #[serde(serialize_with = "crate::text_of")]
    pub unit: UnitId,
    /// Its name.
    pub name: String,
    /// The body above it.
    pub upper: String,
    /// This device, in hexadecimal.
    #[serde(serialize_with = "crate::text_of")]
    pub device: DeviceId,
    /// Its label.
    pub label: String,
    /// Who holds it, in hexadecimal.
    #[serde(serialize_with = "crate::text_of")]
    pub member: MemberId,
    /// Name of the holder, if known.
    pub member_name: Option<String>,
    /// Rank of this device; `None` when it may not act.
    pub rank: Option<u8>,
    /// Whether the holder sits on the committee.
    pub committee: bool,
}

impl<S: Store> Device<S> {
    /// The founder's roster line and the names of founder, phone and unit.
    pub(super) fn first_pages(
        &mut self,
        new: &NewUnit,
        member: MemberId,
        now: i64,
    ) -> Result<(), DeviceError> {
        let home = self.home()?.clone();
        self.rename(Subject::Unit(home.unit), &new.name)?;
        self.rename(Subject::Upper(home.unit), &new.upper)?;
        self.rename(Subject::Device(self.id()), &self.label.clone())?;
        let founder = NewMember {
            role: Role::Secretary,
            ..NewMember::named(&new.founder)
        };
        self.enter(&[(member, founder, new.since.unwrap_or_else(|| today(now)))], now)
    }

    /// Puts members on the roster from a day on: all or none.
    pub fn add_members(
        &mut self,
        new: &[NewMember],
        from: Date,
        now: i64,
    ) -> Result<Vec<MemberId>, DeviceError> {
        let new: Vec<(NewMember, Date)> = new.iter().map(|member| (member.clone(), from)).collect();
        self.add_members_from(&new, now)
    }

    /// Puts members on the roster, each from a day of its own: all or none, also when the disk fails on the way. Names go
    /// first; without their lines nothing shows them.
    pub fn add_members_from(
        &mut self,
        new: &[(NewMember, Date)],
        now: i64,
    ) -> Result<Vec<MemberId>, DeviceError> {
        let entries: Vec<(MemberId, NewMember, Date)> = new
            .iter()
            .map(|(member, from)| {
                let mut id = [0; 16];
                self.rng.fill_bytes(&mut id);
                (MemberId::from_bytes(id), member.clone(), *from)
            })
            .collect();
        self.enter(&entries, now)?;
        Ok(entries.into_iter().map(|(id, ..)| id).collect())
    }

    pub(super) fn enter(
        &mut self,
        entries: &[(MemberId, NewMember, Date)],
        now: i64,
    ) -> Result<(), DeviceError> {
        let key = self.roster_key()?;
        let devices = self.holders()?;
        let acting = self.acting(now)?;
        if !acting.is_officer() {
            return Err(CommandError::OfficersOnly.into());
        }
        let roster = self.roster_now()?;
        let next = roster
            .lines
            .iter()
            .filter_map(|line| line.number.value)
            .max()
            .map_or(1, |last| last + 1);
        for (_, member, _) in entries {
            check_name(&member.name)?;
        }
        let lines: Vec<(RollLine, Date)> = entries
            .iter()
            .zip(next..)
            .map(|((id, new, from), number)| {
                let line = RollLine {
                    member: *id,
                    number,
                    role: new.role,
                    group: new.group.clone(),
                    standing: new.standing,
                    activity: new.activity,
                };
                (line, *from)
            })
            .collect();
        let names = entries
            .iter()
            .map(|(id, new, _)| (Subject::Member(*id), new.name.clone()))
            .collect();
        self.publish_names(names)?;
        let changes: Vec<&[(RollLine, Date)]> = lines.chunks(LINES_PER_CHANGE_MAX).collect();
        self.edit_all(key, now, &changes, |tx, lines| {
            lines.iter().try_for_each(|(line, from)| {
                let add = Command::Add {
                    line: line.clone(),
                    from: *from,
                };
                roster::apply(tx, &acting, &devices, &add)
            })
        })
    }

    /// Changes the roster.
    pub fn roster(&mut self, command: &Command, now: i64) -> Result<(), DeviceError> {
        self.roster_all(std::slice::from_ref(command), now)
    }

    /// Changes several things in the roster at once, or none of them.
    pub fn roster_all(&mut self, commands: &[Command], now: i64) -> Result<(), DeviceError> {
        let key = self.roster_key()?;
        let (acting, devices) = (self.acting(now)?, self.holders()?);
        self.edit(key, now, |tx| {
            commands
                .iter()
                .try_for_each(|command| roster::apply(tx, &acting, &devices, command))
        })
    }

    /// The whole roster, with all dated entries.
    pub fn roster_view(&mut self) -> Result<RosterView, DeviceError> {
        Ok(self.roster_now()?.as_ref().clone())
    }

    /// What the roster's content is a function of, apart from the membership.
    pub(super) fn roster_heads(&mut self) -> Result<Vec<ChangeHash>, DeviceError> {
        let key = self.roster_key()?;
        self.heads(key)
    }

    /// The members of a day, in the order of the list.
    pub fn members(&mut self, on: Date) -> Result<Vec<MemberLine>, DeviceError> {
        let roll = self.roster_now()?.at(on);
        let standings = self.membership()?.members();
        let line = |line: &RollLine| {
            let standing = standings.iter().find(|standing| standing.member == line.member);
            let devices = standing.map_or(&[][..], |standing| &standing.devices);
            MemberLine {
                name: self.people.member(line.member).map(str::to_owned),
                rank: standing
                    .filter(|standing| standing.current)
                    .map(|standing| standing.rank),
                devices: devices
                    .iter()
                    .map(|&(device, state)| MemberDevice {
                        device,
                        label: self.device_label(device),
                        active: state == State::Active,
                    })
                    .collect(),
                line: line.clone(),
            }
        };
        Ok(roll.lines().iter().map(line).collect())
    }

    pub(super) fn has_member(&mut self, member: MemberId) -> Result<bool, DeviceError> {
        Ok(self.roster_now()?.get(member).is_some())
    }

    /// The list of a day: who belongs to the unit then. Empty as long as a meeting has no day.
    pub(super) fn roll_at(&mut self, day: Option<Date>) -> Result<Roll, DeviceError> {
        let roster = self.roster_now()?;
        Ok(day.map_or_else(Roll::default, |day| roster.at(day)))
    }

    /// Corrects a member's name.
    pub fn rename_member(&mut self, member: MemberId, name: &str) -> Result<(), DeviceError> {
        if !self.has_member(member)? {
            return Err(DeviceError::NoMember);
        }
        self.rename(Subject::Member(member), name)
    }

    /// Corrects the names of the unit and of the body above it.
    pub fn rename_unit(&mut self, name: &str, upper: &str) -> Result<(), DeviceError> {
        let unit = self.home()?.unit;
        self.publish_names(vec![
            (Subject::Unit(unit), name.to_owned()),
            (Subject::Upper(unit), upper.to_owned()),
        ])
    }

    pub(super) fn rename(&mut self, subject: Subject, name: &str) -> Result<(), DeviceError> {
        self.publish_names(vec![(subject, name.to_owned())])
    }

    /// Officers name everybody; anybody names themselves and their own phone. Others would set the record aside.
    fn may_name(&self, subject: &Subject) -> Result<(), DeviceError> {
        let own = match subject {
            Subject::Member(member) => self.home()?.member == *member,
            Subject::Device(device) => self.id() == *device,
            Subject::Unit(_) | Subject::Upper(_) => false,
        };
        let standing = self.membership()?.standing(self.id());
        let officer = standing.is_some_and(|standing| standing.rank <= rank::DEPUTY);
        if own || officer {
            Ok(())
        } else {
            Err(Denied::Rank.into())
        }
    }

    /// Names as envelopes, in one transaction.
    pub(super) fn publish_names(&mut self, names: Vec<(Subject, String)>) -> Result<(), DeviceError> {
        let main = self.space(SpaceKind::Main)?;
        let mut payloads = Vec::with_capacity(names.len());
        let mut named = Vec::new();
        for (subject, name) in names {
            check_name(&name)?;
            self.may_name(&subject)?;
            let revision = self.people.next_revision(&subject);
            let record = PersonRecord {
                subject,
                revision,
                name: sotay_document::nfc(&name).into_owned(),
            };
            let kind = match subject {
                Subject::Member(member) => {
                    named.extend((revision > 1).then_some(member));
                    Kind::CARD
                }
                _ => Kind::PERSON,
            };
            payloads.push((kind, record.encode()));
        }
        self.publish(&main, payloads, Vec::new())?;
        self.absorb()?;
        self.erase_replaced(&named, SpaceKind::Main)
    }

    /// The unit's names for the heading of documents.
    pub(super) fn heading(&self) -> Result<Heading, DeviceError> {
        let unit = self.home()?.unit;
        let name = |subject| Words::from(self.people.get(&subject).unwrap_or_default());
        Ok(Heading {
            unit: name(Subject::Unit(unit)),
            upper: name(Subject::Upper(unit)),
        })
    }

    /// The unit and this device in it.
    pub fn unit_card(&self) -> Result<UnitCard, DeviceError> {
        let home = self.home()?;
        let heading = self.heading()?;
        let standing = self
            .membership()?
            .standing(self.id())
            .filter(|standing| standing.state == State::Active);
        Ok(UnitCard {
            unit: home.unit,
            name: heading.unit.as_str().to_owned(),
            upper: heading.upper.as_str().to_owned(),
            device: self.id(),
            label: self.label.clone(),
            member: home.member,
            member_name: self.people.member(home.member).map(str::to_owned),
            rank: standing.map(|standing| standing.rank),
            committee: standing.is_some_and(|standing| standing.flags.committee),
        })
    }

    /// Names known on this device, to render messages with.
    pub fn names(&self) -> &dyn Names {
        &self.people
    }

    pub(super) fn roster_key(&self) -> Result<BookKey, DeviceError> {
        let doc: DocId = roster_id(self.home()?.unit);
        Ok(BookKey {
            doc,
            kind: DocKind::Roster,
            schema: DocKind::Roster.schema(),
            space: SpaceKind::Main,
        })
    }
}

/// The day in Viet Nam.
pub fn today(now: i64) -> Date {
    LocalTime::from_ms(now, OFFSET_MINUTES)
        .map_or_else(|| Date::new(1970, 1, 1).expect("a day"), LocalTime::date)
}

pub(super) fn check_name(name: &str) -> Result<(), DeviceError> {
    if name.trim().is_empty() {
        return Err(DeviceError::EmptyName);
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(DeviceError::TooLong {
            len: name.len(),
            limit: NAME_BYTES_MAX,
        });
    }
    Ok(())
}
