//! The unit: its card, its members, its phones, its meetings.

use std::sync::Arc;

use sotay_engine::feed::DeviceId;
use sotay_engine::handbook::{Date, Month, Words};
use sotay_engine::{AdmitError, AdmitRequest, Engine, Fault, Invitation, JoinRequest, ProfileDevice};

use crate::call::tell;
use crate::error::{HandbookError, OrFault, guarded, parse, parse_opt};
use crate::kinds::{Language, MeetingKind, MeetingStep, MemberActivity, MemberRole, MemberStanding};
use crate::meeting::{ReviewItemView, item_view};
use crate::roster::RosterCommand;

/// What a founder says about a new unit.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct NewUnit {
    /// "Chi bộ thôn An Lạc".
    pub name: String,
    /// The body above it, for the heading of minutes.
    pub upper: String,
    /// Name of the founder, who becomes secretary.
    pub founder: String,
    /// First day of the founder on the roster; today if not given.
    #[uniffi(default = None)]
    pub since: Option<String>,
}

/// The unit and this phone in it.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct UnitCard {
    /// The unit, in hexadecimal.
    pub unit: String,
    /// Its name.
    pub name: String,
    /// The body above it.
    pub upper: String,
    /// This phone, in hexadecimal.
    pub device: String,
    /// Its label.
    pub label: String,
    /// Who holds it, in hexadecimal.
    pub member: String,
    /// Name of the holder, if known.
    pub member_name: Option<String>,
    /// Rank: 2 secretary, 3 deputy, 4 member; none when the phone may not act.
    pub rank: Option<u8>,
    /// Whether the holder sits on the committee.
    pub committee: bool,
}

/// A member to put on the roster.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct NewMember {
    /// Full name.
    pub name: String,
    /// Office.
    pub role: MemberRole,
    /// Party group, if the unit has groups.
    #[uniffi(default = None)]
    pub group: Option<String>,
    /// Full or probationary.
    pub standing: MemberStanding,
    /// How the member takes part.
    pub activity: MemberActivity,
}

/// A phone of a member.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct MemberDevice {
    /// The device, in hexadecimal.
    pub device: String,
    /// Its label.
    pub label: String,
    /// Whether it may act now.
    pub active: bool,
}

/// A member as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct MemberView {
    /// Who, in hexadecimal.
    pub member: String,
    /// Full name, if known here.
    pub name: Option<String>,
    /// Place in the list.
    pub number: u32,
    /// Office.
    pub role: MemberRole,
    /// Party group, if the unit has groups.
    pub group: Option<String>,
    /// MemberStanding.
    pub standing: MemberStanding,
    /// MemberActivity.
    pub activity: MemberActivity,
    /// Rank of the best grant, if the member has a phone.
    pub rank: Option<u8>,
    /// The member's phones.
    pub devices: Vec<MemberDevice>,
}

/// "Please admit this phone".
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct JoinRequestView {
    /// The text to show as a QR code or send.
    pub text: String,
    /// What the phone is called.
    pub label: String,
    /// Six digits that both phones show and the two people compare aloud.
    pub check_code: String,
}

/// What an officer decides about a phone that asks to join.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Admission {
    /// The text the joiner handed over.
    pub request: String,
    /// The roster line of its holder.
    pub member: String,
    /// 2 secretary, 3 deputy, 4 member.
    #[uniffi(default = 4)]
    pub rank: u8,
    /// Whether a rank-4 member reads and writes the committee's space.
    #[uniffi(default = false)]
    pub committee: bool,
    /// Whether the member is probationary and has no vote.
    #[uniffi(default = false)]
    pub probationary: bool,
    /// Relay addresses to pass on.
    #[uniffi(default)]
    pub relays: Vec<String>,
    /// A lost or broken phone of the member that this one takes the place of: its grants end in the same step.
    #[uniffi(default = None)]
    pub replaces: Option<String>,
    /// The phone reads from this day on: what was written before under keys of its own stays closed to it. Not together with
    /// `replaces`, and not for a hall.
    #[uniffi(default = None)]
    pub reads_from: Option<String>,
}

/// An admission in the engine's form.
pub(crate) struct Admitting {
    pub ask: AdmitRequest,
    replaces: Option<DeviceId>,
    from: Option<Date>,
}

impl Admission {
    /// In the engine's form.
    pub(crate) fn read(self) -> Result<Admitting, HandbookError> {
        let admitting = Admitting {
            replaces: parse_opt(self.replaces.as_ref(), "replaces")?,
            from: parse_opt(self.reads_from.as_ref(), "reads_from")?,
            ask: AdmitRequest {
                request: self.request,
                member: parse(&self.member, "member")?,
                rank: self.rank,
                committee: self.committee,
                probationary: self.probationary,
                relays: self.relays,
            },
        };
        if admitting.replaces.is_some() && admitting.from.is_some() {
            return Err(Fault::malformed("reads_from").into());
        }
        Ok(admitting)
    }
}

impl Admitting {
    pub(crate) fn carry_out(&self, device: &mut ProfileDevice, now: i64) -> Result<Invitation, AdmitError> {
        match (self.replaces, self.from) {
            (Some(old), _) => device.admit_replacing(&self.ask, old, now),
            (None, Some(from)) => device.admit_from(&self.ask, from, now),
            (None, None) => device.admit(&self.ask, now),
        }
    }
}

/// A member of an imported roster.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct NewMemberLine {
    /// Who.
    pub member: NewMember,
    /// First day on the roster.
    pub since: String,
}

/// A meeting to begin. A monthly one is the same on every phone, whoever begins it first.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct NewMeeting {
    /// Kind.
    pub kind: MeetingKind,
    /// Month of a monthly meeting: `2025-05`.
    #[uniffi(default = None)]
    pub month: Option<String>,
    /// Day, if it is known.
    #[uniffi(default = None)]
    pub date: Option<String>,
}

/// A line of the list of meetings.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct MeetingHeading {
    /// Its document id.
    pub id: String,
    /// Kind, as far as recorded.
    pub kind: Option<MeetingKind>,
    /// Month of a monthly meeting.
    pub month: Option<String>,
    /// Day.
    pub date: Option<String>,
    /// The furthest step taken.
    pub phase: Option<MeetingStep>,
    /// Open items of its review list.
    pub review_open: u32,
}

/// The unit of an opened handbook. Cheap; holds no state of its own.
#[derive(uniffi::Object)]
pub struct Branch {
    pub(crate) engine: Arc<Engine>,
}

impl Branch {
    fn enter(&self, lines: Vec<(sotay_engine::NewMember, Date)>) -> Result<Vec<String>, HandbookError> {
        let ids = tell(&self.engine, move |device, now| {
            device.add_members_from(&lines, now)
        })?;
        Ok(ids.iter().map(ToString::to_string).collect())
    }
}

fn new_member(member: NewMember) -> sotay_engine::NewMember {
    sotay_engine::NewMember {
        name: member.name,
        role: member.role,
        group: member.group.map(Words::from),
        standing: member.standing,
        activity: member.activity,
    }
}

#[uniffi::export]
impl Branch {
    /// Founds a unit and makes this phone its secretary's. Gives the unit's id.
    pub fn create(&self, new: NewUnit) -> Result<String, HandbookError> {
        let new = sotay_engine::NewUnit {
            name: new.name,
            upper: new.upper,
            founder: new.founder,
            since: parse_opt(new.since.as_ref(), "since")?,
        };
        tell(&self.engine, move |device, now| {
            device.create_unit(&new, now).map(|unit| unit.to_string())
        })
    }

    /// The unit and this phone in it.
    pub fn card(&self) -> Result<UnitCard, HandbookError> {
        let card = tell(&self.engine, |device, _| device.unit_card())?;
        Ok(UnitCard {
            unit: card.unit.to_string(),
            name: card.name,
            upper: card.upper,
            device: card.device.to_string(),
            label: card.label,
            member: card.member.to_string(),
            member_name: card.member_name,
            rank: card.rank,
            committee: card.committee,
        })
    }

    /// The text this phone shows to be admitted. Fresh at every call.
    pub fn join_request(&self) -> Result<JoinRequestView, HandbookError> {
        let request = tell(&self.engine, |device, _| device.join_request())?;
        Ok(request_view(&request))
    }

    /// Reads somebody's request, to show the check code before admitting.
    pub fn read_request(&self, text: String) -> Result<JoinRequestView, HandbookError> {
        guarded(|| Ok(request_view(&JoinRequest::from_text(&text).or_fault()?)))
    }

    /// Grants the asking phone its rank; gives the invitation to hand back, as text.
    pub fn admit(&self, admission: Admission) -> Result<String, HandbookError> {
        let admitting = admission.read()?;
        tell(&self.engine, move |device, now| {
            admitting
                .carry_out(device, now)
                .map(|invitation| invitation.to_text())
        })
    }

    /// Takes the invitation an officer made for this phone; gives the relays it names, best first.
    pub fn accept(&self, invitation: String) -> Result<Vec<String>, HandbookError> {
        let invitation = guarded(|| Invitation::from_text(&invitation).or_fault())?;
        tell(&self.engine, move |device, _| {
            device.accept(&invitation).map(|()| invitation.relays)
        })
    }

    /// The members of a day (today if none is given), in the order of the list.
    pub fn members(&self, on: Option<String>) -> Result<Vec<MemberView>, HandbookError> {
        let on: Option<Date> = parse_opt(on.as_ref(), "on")?;
        let lines = tell(&self.engine, move |device, now| {
            device.members(on.unwrap_or_else(|| sotay_engine::today(now)))
        })?;
        Ok(lines.into_iter().map(member_view).collect())
    }

    /// Puts members on the roster from a day on, all or none; gives their ids.
    pub fn add_members(&self, members: Vec<NewMember>, since: String) -> Result<Vec<String>, HandbookError> {
        let since: Date = parse(&since, "since")?;
        self.enter(
            members
                .into_iter()
                .map(|member| (new_member(member), since))
                .collect(),
        )
    }

    /// Puts the lines of a roster kept elsewhere in, each from its own day, all or none; gives their ids. What is not a name
    /// or not a day is told before anything is written.
    pub fn import_members(&self, lines: Vec<NewMemberLine>) -> Result<Vec<String>, HandbookError> {
        let lines = lines
            .into_iter()
            .map(|line| Ok((new_member(line.member), parse(&line.since, "since")?)))
            .collect::<Result<_, HandbookError>>()?;
        self.enter(lines)
    }

    /// Changes the roster.
    pub fn roster(&self, command: RosterCommand) -> Result<(), HandbookError> {
        let command = command.translate()?;
        tell(&self.engine, move |device, now| device.roster(&command, now))
    }

    /// Corrects a member's name.
    pub fn rename_member(&self, member: String, name: String) -> Result<(), HandbookError> {
        let member = parse(&member, "member")?;
        tell(&self.engine, move |device, _| device.rename_member(member, &name))
    }

    /// Corrects the names of the unit and of the body above it.
    pub fn rename_unit(&self, name: String, upper: String) -> Result<(), HandbookError> {
        tell(&self.engine, move |device, _| device.rename_unit(&name, &upper))
    }

    /// Begins a meeting; beginning a monthly one again changes nothing that matters. Gives its id.
    pub fn new_meeting(&self, new: NewMeeting) -> Result<String, HandbookError> {
        let month: Option<Month> = parse_opt(new.month.as_ref(), "month")?;
        let date: Option<Date> = parse_opt(new.date.as_ref(), "date")?;
        let doc = tell(&self.engine, move |device, now| {
            device.new_meeting(new.kind, month, date, now)
        })?;
        Ok(doc.to_string())
    }

    /// All meetings known here, newest first.
    pub fn meetings(&self) -> Result<Vec<MeetingHeading>, HandbookError> {
        let all = tell(&self.engine, |device, _| device.meetings())?;
        Ok(all.into_iter().map(meeting_heading).collect())
    }

    /// Open review items of all meetings, newest meeting first, in words of a language.
    pub fn review_all(&self, language: Language) -> Result<Vec<ReviewItemView>, HandbookError> {
        tell(&self.engine, move |device, _| {
            let all = device.review_all()?;
            let names = device.names();
            Ok::<_, sotay_engine::DeviceError>(
                all.iter()
                    .map(|(doc, item)| item_view(*doc, item, language, names))
                    .collect(),
            )
        })
    }
}

pub(crate) fn meeting_heading(meeting: sotay_engine::MeetingHeading) -> MeetingHeading {
    MeetingHeading {
        id: meeting.doc.to_string(),
        kind: meeting.kind,
        month: meeting.month.map(|month| month.to_string()),
        date: meeting.date.map(|date| date.to_string()),
        phase: meeting.phase,
        review_open: u32::try_from(meeting.review_open).unwrap_or(u32::MAX),
    }
}

pub(crate) fn request_view(request: &JoinRequest) -> JoinRequestView {
    JoinRequestView {
        text: request.to_text(),
        label: request.label.clone(),
        check_code: request.check_code(),
    }
}

fn member_view(line: sotay_engine::MemberLine) -> MemberView {
    MemberView {
        member: line.line.member.to_string(),
        name: line.name,
        number: line.line.number,
        role: line.line.role,
        group: line.line.group.map(|words| words.as_str().to_owned()),
        standing: line.line.standing,
        activity: line.line.activity,
        rank: line.rank,
        devices: line
            .devices
            .into_iter()
            .map(|device| MemberDevice {
                device: device.device.to_string(),
                label: device.label,
                active: device.active,
            })
            .collect(),
    }
}
