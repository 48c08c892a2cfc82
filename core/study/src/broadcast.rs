//! Online television: a schedule of broadcasts with links and, where one is published, a recording to download.
//!
//! Nothing here streams or downloads: an app shows links and sizes, and the member decides.

use crate::library::{Blob, Hash};
use crate::wire::{Reader, WireError, Writer, only_canonical};
use sotay_feed::InOrder;

/// Version of the encoding.
const VERSION: u64 = 1;
/// Most entries of one schedule.
pub const MAX_ENTRIES: usize = 500;
/// Longest title, in characters.
pub const MAX_TITLE_CHARS: usize = 300;
/// Longest link, in characters.
pub const MAX_LINK_CHARS: usize = 500;
/// Most links of one broadcast.
pub const MAX_LINKS: usize = 8;
/// Largest schedule, in bytes: fits one envelope.
pub const MAX_SCHEDULE_BYTES: usize = 56 * 1024;
/// Longest broadcast, in minutes.
pub const MAX_MINUTES: u32 = 24 * 60;
const NAME_CHARS: usize = 200;

/// Where to watch: a title for the link and its address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WatchLink {
    /// What to show (`VTV1`).
    pub label: String,
    /// The address.
    pub url: String,
}

/// One broadcast.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Broadcast {
    /// When it begins, in seconds since 1970 UTC. First field: the order of a schedule.
    pub start: i64,
    /// How long it lasts, in minutes, 1..=[`MAX_MINUTES`].
    pub minutes: u32,
    /// Its title.
    pub title: String,
    /// Where to watch.
    pub links: Vec<WatchLink>,
    /// The recording, with the size that is shown before anything is fetched.
    pub recording: Option<Blob>,
}

impl Broadcast {
    /// When it ends, in seconds since 1970 UTC.
    pub fn end(&self) -> i64 {
        self.start.saturating_add(i64::from(self.minutes) * 60)
    }
}

/// A schedule, in order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    entries: Vec<Broadcast>,
}

/// What is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnAir<'a> {
    /// What is running, in order of start.
    pub now: Vec<&'a Broadcast>,
    /// What comes next, if anything: all that begin at the earliest coming time.
    pub next: Vec<&'a Broadcast>,
}

/// Why a schedule was refused. The publisher's to mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// A list or a field is over its limit, or a broadcast lasts no time.
    #[error("{0} is over its limit")]
    OverLimit(&'static str),
    /// A link is no web address.
    #[error("a link is no https or http address")]
    NotALink,
    /// A broadcast has no title.
    #[error("a broadcast has no title")]
    NoTitle,
}

impl Schedule {
    /// Puts entries in order; equal ones are kept once.
    pub fn new(mut entries: Vec<Broadcast>) -> Result<Self, ScheduleError> {
        entries.in_order();
        entries.dedup();
        if entries.len() > MAX_ENTRIES {
            return Err(ScheduleError::OverLimit("schedule"));
        }
        for entry in &entries {
            check(entry)?;
        }
        let schedule = Self { entries };
        if schedule.encode().len() > MAX_SCHEDULE_BYTES {
            return Err(ScheduleError::OverLimit("schedule"));
        }
        Ok(schedule)
    }

    /// The entries in order of time.
    pub fn entries(&self) -> &[Broadcast] {
        &self.entries
    }

    /// What is on at `now` (seconds since 1970 UTC): a broadcast runs from its start up to, not at, its end.
    pub fn on_air(&self, now: i64) -> OnAir<'_> {
        let running = self
            .entries
            .iter()
            .filter(|b| b.start <= now && now < b.end())
            .collect();
        let first = self.entries.iter().find(|b| b.start > now).map(|b| b.start);
        let next = self.entries.iter().filter(|b| Some(b.start) == first).collect();
        OnAir { now: running, next }
    }

    /// What is over and has a recording, newest first.
    pub fn recordings(&self, now: i64) -> impl Iterator<Item = &Broadcast> {
        self.entries
            .iter()
            .rev()
            .filter(move |b| b.end() <= now && b.recording.is_some())
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(2).uint(VERSION).array(self.entries.len());
        for entry in &self.entries {
            w.array(5)
                .int(entry.start)
                .uint(entry.minutes.into())
                .text(&entry.title)
                .array(entry.links.len());
            for link in &entry.links {
                w.array(2).text(&link.label).text(&link.url);
            }
            match &entry.recording {
                Some(blob) => {
                    w.array(4)
                        .bytes(&blob.hash.0)
                        .uint(blob.size)
                        .text(&blob.media_type)
                        .text(&blob.name);
                }
                None => {
                    w.null();
                }
            }
        }
        w.finish()
    }

    /// Reads canonical bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes, MAX_SCHEDULE_BYTES)?;
        r.tuple(2, "schedule")?;
        r.version(VERSION)?;
        let mut entries = Vec::new();
        for _ in 0..r.array(MAX_ENTRIES, "schedule")? {
            entries.push(read_entry(&mut r)?);
        }
        let read = Self::new(entries).map_err(|_| WireError::Malformed("broadcast"))?;
        only_canonical(bytes, &read.encode())?;
        Ok(read)
    }
}

fn check(entry: &Broadcast) -> Result<(), ScheduleError> {
    let long = |text: &str, max: usize| text.chars().count() > max;
    if entry.title.trim().is_empty() {
        return Err(ScheduleError::NoTitle);
    }
    let over = [
        ("title", long(&entry.title, MAX_TITLE_CHARS)),
        ("duration", !(1..=MAX_MINUTES).contains(&entry.minutes)),
        ("links", entry.links.len() > MAX_LINKS),
        (
            "link",
            entry
                .links
                .iter()
                .any(|l| long(&l.url, MAX_LINK_CHARS) || long(&l.label, NAME_CHARS)),
        ),
        (
            "recording",
            entry
                .recording
                .as_ref()
                .is_some_and(|b| long(&b.name, NAME_CHARS) || long(&b.media_type, NAME_CHARS)),
        ),
    ];
    if let Some((what, _)) = over.iter().find(|(_, over)| *over) {
        return Err(ScheduleError::OverLimit(what));
    }
    let web = |l: &WatchLink| l.url.starts_with("https://") || l.url.starts_with("http://");
    if entry.links.iter().all(web) {
        Ok(())
    } else {
        Err(ScheduleError::NotALink)
    }
}

fn read_entry(r: &mut Reader<'_>) -> Result<Broadcast, WireError> {
    r.tuple(5, "broadcast")?;
    let start = r.int("start")?;
    let minutes = r.uint(MAX_MINUTES.into(), "duration")? as u32;
    let title = r.text(MAX_TITLE_CHARS, "title")?;
    let mut links = Vec::new();
    for _ in 0..r.array(MAX_LINKS, "links")? {
        r.tuple(2, "link")?;
        links.push(WatchLink {
            label: r.text(NAME_CHARS, "label")?,
            url: r.text(MAX_LINK_CHARS, "link")?,
        });
    }
    let recording = if r.null() {
        None
    } else {
        r.tuple(4, "recording")?;
        Some(Blob {
            hash: Hash(r.hash("recording")?),
            size: r.uint(u64::MAX, "size")?,
            media_type: r.text(NAME_CHARS, "media type")?,
            name: r.text(NAME_CHARS, "name")?,
        })
    };
    Ok(Broadcast {
        start,
        minutes,
        title,
        links,
        recording,
    })
}

/// A size as members read it: `850 B`, `12,5 KB`, `1,4 GB` (thousands of thousands, as data plans count).
pub fn size_text(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut tenths = u128::from(bytes) * 10 / 1_000;
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1_000;
        unit += 1;
    }
    format!("{},{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(start: i64, minutes: u32, title: &str) -> Broadcast {
        let links = vec![WatchLink {
            label: "VTV1".into(),
            url: "https://example.org/vtv1".into(),
        }];
        Broadcast {
            start,
            minutes,
            title: title.into(),
            links,
            recording: None,
        }
    }

    fn recorded(start: i64) -> Broadcast {
        let blob = Blob {
            hash: Hash([3; 32]),
            size: 1_400_000_000,
            media_type: "video/mp4".into(),
            name: "a.mp4".into(),
        };
        Broadcast {
            recording: Some(blob),
            ..entry(start, 10, "Ghi lại")
        }
    }

    fn titles(list: &[&Broadcast]) -> Vec<String> {
        list.iter().map(|b| b.title.clone()).collect()
    }

    #[test]
    fn a_broadcast_runs_from_its_start_up_to_its_end() {
        let s = Schedule::new(vec![
            entry(1_000, 10, "B"),
            entry(0, 10, "A"),
            entry(1_000, 5, "C"),
        ])
        .unwrap();
        assert_eq!(titles(&s.on_air(-1).next), ["A"]);
        assert_eq!(titles(&s.on_air(0).now), ["A"]);
        assert_eq!(titles(&s.on_air(599).now), ["A"]);
        assert!(s.on_air(600).now.is_empty());
        assert_eq!(
            titles(&s.on_air(600).next),
            ["C", "B"],
            "both that begin at the same time"
        );
        assert_eq!(titles(&s.on_air(1_299).now), ["C", "B"]);
        assert!(s.on_air(5_000).next.is_empty());
    }

    #[test]
    fn recordings_are_listed_when_the_broadcast_is_over_newest_first() {
        let s = Schedule::new(vec![recorded(0), recorded(5_000), entry(9_000, 1, "X")]).unwrap();
        let starts: Vec<i64> = s.recordings(10_000).map(|b| b.start).collect();
        assert_eq!(starts, [5_000, 0]);
        assert_eq!(s.recordings(599).count(), 0);
    }

    #[test]
    fn sizes_are_shown_as_members_read_them() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (12_540, "12,5 KB"),
            (999_999, "999,9 KB"),
            (1_400_000_000, "1,4 GB"),
        ] {
            assert_eq!(size_text(bytes), text);
        }
        assert!(size_text(u64::MAX).ends_with(" TB"));
    }

    #[test]
    fn schedules_over_a_limit_are_refused() {
        let one = |change: &dyn Fn(&mut Broadcast)| {
            let mut b = entry(0, 10, "A");
            change(&mut b);
            Schedule::new(vec![b]).err()
        };
        assert_eq!(one(&|b| b.minutes = MAX_MINUTES), None);
        assert_eq!(
            one(&|b| b.minutes = MAX_MINUTES + 1),
            Some(ScheduleError::OverLimit("duration"))
        );
        assert_eq!(
            one(&|b| b.minutes = 0),
            Some(ScheduleError::OverLimit("duration"))
        );
        assert_eq!(
            one(&|b| b.title = "x".repeat(MAX_TITLE_CHARS + 1)),
            Some(ScheduleError::OverLimit("title"))
        );
        assert_eq!(one(&|b| b.title = " ".into()), Some(ScheduleError::NoTitle));
        assert_eq!(
            one(&|b| b.links[0].url = "javascript:alert(1)".into()),
            Some(ScheduleError::NotALink)
        );
        assert_eq!(
            one(&|b| b.links = vec![b.links[0].clone(); MAX_LINKS + 1]),
            Some(ScheduleError::OverLimit("links"))
        );
        let many = (0..=MAX_ENTRIES as i64).map(|i| entry(i, 1, "A")).collect();
        assert_eq!(Schedule::new(many), Err(ScheduleError::OverLimit("schedule")));
    }

    #[test]
    fn the_bytes_are_the_golden_ones_and_others_are_refused() {
        let s = Schedule::new(vec![entry(-60, 10, "A"), recorded(0)]).unwrap();
        let bytes = s.encode();
        assert_eq!(Schedule::decode(&bytes), Ok(s));
        let head: String = bytes[..12].iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(head, "82018285383b0a6141818264");
        for cut in 0..bytes.len() {
            assert!(Schedule::decode(&bytes[..cut]).is_err());
        }
        let mut newer = bytes.clone();
        newer[1] = 2;
        assert_eq!(Schedule::decode(&newer), Err(WireError::Version(2)));
        assert_eq!(
            Schedule::decode(&[bytes, vec![0]].concat()),
            Err(WireError::NotCanonical)
        );
    }

    proptest::proptest! {
        #[test]
        fn garbage_is_read_without_a_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..80)) {
            let _ = Schedule::decode(&bytes);
        }
    }
}
