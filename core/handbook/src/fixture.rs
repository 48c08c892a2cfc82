//! Branch AL-42, the fixture of the acceptance scenarios: 42 members of the village An Lạc.
//!
//! 40 full members (38 attending, 2 exempt) and 2 probationary ones; 40 must attend, 38 vote. For tests and examples:
//! ids are fixed, names are separate data because documents do not hold any.

use std::collections::BTreeMap;

use sotay_feed::{DeviceId, DocId, MemberId, UnitId};

use crate::acting::Acting;
use crate::claim::{Devices, Holder};
use crate::date::Date;
use crate::ids::{EntryId, monthly_meeting_id, roster_id};
use crate::meeting::MeetingKind;
use crate::message::Names;
use crate::minutes::Heading;
use crate::roster::{Activity, Command, Role, Roll, RollLine, Standing};

/// Names of M01 to M42, in the order of the list.
pub const NAMES: [&str; 42] = [
    "Nguyễn Văn Hùng",
    "Trần Thị Hồng Nhung",
    "Lê Quang Vinh",
    "Phạm Thị Lan",
    "Hoàng Văn Thắng",
    "Vũ Đình Khôi",
    "Đặng Thị Mai",
    "Bùi Xuân Trường",
    "Đỗ Thị Thu Hà",
    "Hồ Sỹ Đạt",
    "Ngô Thị Bích Ngọc",
    "Dương Văn Quý",
    "Lý Thị Sen",
    "Nguyễn Đức Thịnh",
    "Trần Văn Lộc",
    "Lê Thị Phương Thảo",
    "Phạm Văn Ước",
    "Hoàng Thị Yến",
    "Vũ Văn Nghĩa",
    "Đinh Thị Hường",
    "Bùi Văn Khánh",
    "Đỗ Mạnh Cường",
    "Hà Thị Tuyết",
    "Ngô Văn Sáu",
    "Dương Thị Oanh",
    "Mai Xuân Bách",
    "Nguyễn Thị Kim Anh",
    "Trần Quốc Toản",
    "Lê Văn Đông",
    "Phạm Thị Giang",
    "Hoàng Minh Tuấn",
    "Vũ Thị Én",
    "Đặng Văn Phúc",
    "Bùi Thị Loan",
    "Đỗ Văn Ngọ",
    "Hồ Thị Xuân",
    "Ngô Quý Đôn",
    "Dương Thị Thơm",
    "Cao Văn Kiệm",
    "Nguyễn Thị Ngoan",
    "Trần Thị Ánh Dương",
    "Lê Hoàng Long",
];

/// The unit.
pub const UNIT: UnitId = UnitId::from_bytes([0xa1; 32]);
/// First day of all lines of the roster.
pub const FROM: &str = "2020-01-01";
/// Day of the May meeting.
pub const MEETING_DAY: &str = "2025-05-05";
/// 19:30 of that day in Viet Nam, in milliseconds since 1970.
pub const START_MS: i64 = 1_746_448_200_000;

/// M01 to M42.
pub fn member(number: u32) -> MemberId {
    let mut id = [0x4d; 16];
    id[15] = number as u8;
    MemberId::from_bytes(id)
}

/// P1 (clerk), P2 (deputy), P3 (secretary), and further phones.
pub fn device(number: u8) -> DeviceId {
    DeviceId::from_bytes([number, 0x50, 0, 0, 0, 0, 0, number])
}

/// An id for an entry made by a phone.
pub fn entry(device: u8, number: u32) -> EntryId {
    let mut id = [device; 16];
    id[12..].copy_from_slice(&number.to_be_bytes());
    EntryId::from_bytes(id)
}

/// The May meeting.
pub fn may_meeting() -> DocId {
    let day: Date = MEETING_DAY.parse().expect("a fixed day");
    monthly_meeting_id(UNIT, MeetingKind::Regular, day.month())
}

/// The roster.
pub fn roster() -> DocId {
    roster_id(UNIT)
}

/// M01 secretary (P3), M02 deputy (P2), M03 and M04 of the committee, M03 takes the minutes (P1); M39 and M40 exempt; M41
/// and M42 probationary.
pub fn lines() -> Vec<RollLine> {
    (1..=42)
        .map(|number| RollLine {
            member: member(number),
            number,
            role: match number {
                1 => Role::Secretary,
                2 => Role::Deputy,
                3 | 4 => Role::CommitteeMember,
                _ => Role::Member,
            },
            group: None,
            standing: if number > 40 {
                Standing::Probationary
            } else {
                Standing::Full
            },
            activity: if number == 39 || number == 40 {
                Activity::Exempt
            } else {
                Activity::Attending
            },
        })
        .collect()
}

/// The list of AL-42.
pub fn roll() -> Roll {
    Roll::new(lines())
}

/// Commands that make the roster.
pub fn roster_commands() -> Vec<Command> {
    let from: Date = FROM.parse().expect("a fixed day");
    lines()
        .into_iter()
        .map(|line| Command::Add { line, from })
        .collect()
}

/// P1 of M03, P2 of M02, P3 of M01, P4 of M05 (no officer), P9 of M09.
pub fn devices() -> Devices {
    let mut devices = Devices::new();
    for (number, holder, officer) in [
        (1, 3, true),
        (2, 2, true),
        (3, 1, true),
        (4, 5, false),
        (9, 9, false),
    ] {
        devices.insert(
            device(number),
            Holder {
                member: Some(member(holder)),
                officer,
            },
        );
    }
    devices
}

/// A phone of [`devices`] that acts `minutes` after the start.
pub fn acting(number: u8, minutes: i64) -> Acting {
    let (holder, rank, committee) = match number {
        1 => (3, 4, true),
        2 => (2, 3, false),
        3 => (1, 2, false),
        4 => (5, 4, false),
        other => (u32::from(other), 4, false),
    };
    Acting {
        device: device(number),
        member: Some(member(holder)),
        rank,
        committee,
        at_ms: START_MS + minutes * 60_000,
    }
}

/// What stands above the minutes.
pub fn heading() -> Heading {
    Heading {
        upper: "ĐẢNG ỦY XÃ TÂN AN".into(),
        unit: "CHI BỘ THÔN AN LẠC".into(),
    }
}

/// The names of AL-42 and labels `P1`, `P2` … of the phones.
#[derive(Debug, Clone)]
pub struct Al42Names {
    members: BTreeMap<MemberId, &'static str>,
    devices: BTreeMap<DeviceId, String>,
}

impl Default for Al42Names {
    fn default() -> Self {
        Self {
            members: (1..=42)
                .map(|number| (member(number), NAMES[number as usize - 1]))
                .collect(),
            devices: (1..=9)
                .map(|number| (device(number), format!("P{number}")))
                .collect(),
        }
    }
}

impl Names for Al42Names {
    fn member(&self, member: MemberId) -> Option<&str> {
        self.members.get(&member).copied()
    }

    fn device(&self, device: DeviceId) -> Option<&str> {
        self.devices.get(&device).map(String::as_str)
    }
}
