//! `broadcasts`: the schedule of online television.

use std::path::{Path, PathBuf};

use serde_json::json;
use sotay_engine::handbook::LocalTime;
use sotay_engine::study::broadcast::{Broadcast, WatchLink};
use sotay_engine::study::library::Blob;
use sotay_engine::{OFFSET_MINUTES, RecordingError, describe_recording, take_in_recording};

use crate::args::{Broadcasts, BroadcastsCommand};
use crate::failure::{Code, Failure};
use crate::files;
use crate::pick;
use crate::reply::Reply;
use crate::session::Session;
use crate::show;

/// Columns of the table, in order.
const COLUMNS: [&str; 4] = ["start", "minutes", "title", "links"];
/// A fifth one, if wanted.
const RECORDING: &str = "recording";

pub(in crate::commands) fn run(session: &Session, args: Broadcasts) -> Result<Reply, Failure> {
    let published = match args.command.unwrap_or(BroadcastsCommand::List) {
        BroadcastsCommand::List => None,
        BroadcastsCommand::Publish { file } => {
            let name = file.to_string_lossy();
            Some(table(&files::read(&name, files::TABLE_BYTES_MAX)?, &name)?)
        }
        BroadcastsCommand::Fetch { broadcast, from, out } => return fetch(session, broadcast, &from, out),
    };
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        if let Some(entries) = published {
            device.publish_broadcasts(entries, now)?;
        }
        let all = device.broadcast_lines(now / 1000)?;
        let values: Vec<_> = all.iter().map(show::broadcast_json).collect();
        Ok(Reply::new(
            json!({ "broadcasts": values }),
            show::broadcasts(voice, &all),
        ))
    })
}

/// The file is kept only when every byte of it is the published one.
fn fetch(session: &Session, number: usize, from: &Path, out: Option<PathBuf>) -> Result<Reply, Failure> {
    let voice = session.voice;
    let blob = session.open()?.run(move |device, now| {
        let all = device.broadcasts(now / 1000)?;
        let found = number.checked_sub(1).and_then(|at| all.get(at));
        let missing = || {
            Failure::new(Code::NoEntry)
                .with("text", number)
                .with("count", all.len())
        };
        let (broadcast, _) = found.ok_or_else(missing)?;
        let none = || Failure::new(Code::NoRecording).with("title", &broadcast.title);
        broadcast.recording.clone().ok_or_else(none)
    })?;
    // A published name is never a path.
    let name = blob.name.rsplit(['/', '\\']).next().unwrap_or_default();
    let out = out.unwrap_or_else(|| PathBuf::from(name));
    take_in_recording(&blob, from, &out).map_err(|error| match error {
        RecordingError::Unwritable(error) => Failure::new(Code::CannotWrite)
            .with("file", out.display())
            .with("reason", error.kind()),
        RecordingError::Unreadable(error) => unreadable(from, &error),
        RecordingError::Other | RecordingError::Unknown => Failure::new(Code::OtherRecording)
            .with("file", from.display())
            .with("size", blob.size),
    })?;
    let value = json!({
        "name": blob.name,
        "size": blob.size,
        "hash": blob.hash.to_string(),
        "media_type": blob.media_type,
        "out": out.display().to_string(),
    });
    let said = voice.say(
        "air.fetched",
        &[("file", &out.display()), ("size", &show::size(blob.size))],
    );
    Ok(Reply::new(value, said))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Code::FileUnreadable)
        .with("file", path.display())
        .with("reason", error)
}

/// A recording beside the table.
fn recording(table: &str, name: &str) -> Result<Blob, Failure> {
    let path = Path::new(table).parent().unwrap_or(Path::new("")).join(name);
    describe_recording(&path).map_err(|error| match error {
        RecordingError::Unreadable(error) => unreadable(&path, &error),
        other => Failure::from(other),
    })
}

fn table(text: &str, file: &str) -> Result<Vec<Broadcast>, Failure> {
    let mut lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    let head: Vec<&str> = lines
        .next()
        .map_or("", |(_, line)| line)
        .split('\t')
        .map(str::trim)
        .collect();
    if head != COLUMNS && head[..] != [&COLUMNS[..], &[RECORDING]].concat() {
        return Err(Failure::new(Code::ScheduleTable)
            .with("file", file)
            .with("line", 1));
    }
    lines
        .map(|(at, line)| {
            let bad = || {
                Failure::new(Code::ScheduleTable)
                    .with("file", file)
                    .with("line", at + 1)
            };
            let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
            let (&[start, minutes, title, links], file_of) = match &cells[..] {
                [a, b, c, d] => (&[*a, *b, *c, *d], ""),
                [a, b, c, d, recording] if head.len() == 5 => (&[*a, *b, *c, *d], *recording),
                _ => return Err(bad()),
            };
            Ok(Broadcast {
                start: seconds(pick::time(start, None).map_err(|_| bad())?).ok_or_else(bad)?,
                minutes: minutes.parse().map_err(|_| bad())?,
                title: title.to_owned(),
                links: links
                    .split('|')
                    .filter(|link| !link.trim().is_empty())
                    .map(link)
                    .collect(),
                recording: match file_of {
                    "" => None,
                    name => Some(recording(file, name)?),
                },
            })
        })
        .collect()
}

/// `VTV1 https://…`; an address alone is its own label.
fn link(text: &str) -> WatchLink {
    let (label, url) = text.trim().rsplit_once(' ').unwrap_or((text.trim(), text.trim()));
    WatchLink {
        label: label.trim().to_owned(),
        url: url.to_owned(),
    }
}

/// Seconds since 1970 UTC of a time on the wall clock.
fn seconds(time: LocalTime) -> Option<i64> {
    let epoch = LocalTime::from_ms(0, OFFSET_MINUTES)?;
    Some(epoch.minutes_until(time) * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_broadcasts_is_read_by_its_columns() {
        let entries = table(
            "start\tminutes\ttitle\tlinks\n2026-12-05T19:30\t45\tThời sự\tVTV1 https://a.vn|https://b.vn\n",
            "f",
        )
        .unwrap();
        assert_eq!(
            LocalTime::from_ms(entries[0].start * 1000, OFFSET_MINUTES)
                .unwrap()
                .to_string(),
            "2026-12-05T19:30"
        );
        assert_eq!(
            (
                entries[0].links[0].label.as_str(),
                entries[0].links[1].url.as_str()
            ),
            ("VTV1", "https://b.vn")
        );
    }

    #[test]
    fn a_row_that_does_not_fit_is_named_by_its_line() {
        for bad in [
            "",
            "title\n",
            "start\tminutes\ttitle\tlinks\n19:30\t45\tA\t",
            "start\tminutes\ttitle\tlinks\n2026-12-05T19:30\tx\tA\t",
        ] {
            assert_eq!(table(bad, "f").unwrap_err().name(), "schedule_table", "{bad}");
        }
    }
}
