//! `broadcasts`: the schedule of online television.

use serde_json::json;
use sotay_engine::OFFSET_MINUTES;
use sotay_engine::handbook::LocalTime;
use sotay_engine::study::broadcast::{Broadcast, WatchLink};

use crate::args::{Broadcasts, BroadcastsCommand};
use crate::failure::{Code, Failure};
use crate::files;
use crate::pick;
use crate::reply::Reply;
use crate::session::Session;
use crate::show;

/// Columns of the table, in order.
const COLUMNS: [&str; 4] = ["start", "minutes", "title", "links"];

pub(in crate::commands) fn run(session: &Session, args: Broadcasts) -> Result<Reply, Failure> {
    let published = match args.command.unwrap_or(BroadcastsCommand::List) {
        BroadcastsCommand::List => None,
        BroadcastsCommand::Publish { file } => {
            let name = file.to_string_lossy();
            Some(table(&files::read(&name, files::TABLE_BYTES_MAX)?, &name)?)
        }
    };
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        if let Some(entries) = published {
            device.publish_broadcasts(entries, now)?;
        }
        let all = device.broadcasts(now / 1000)?;
        let values: Vec<_> = all
            .iter()
            .map(|(broadcast, state)| show::broadcast_json(broadcast, *state))
            .collect();
        Ok(Reply::new(
            json!({ "broadcasts": values }),
            show::broadcasts(voice, &all),
        ))
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
    if head != COLUMNS {
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
            let [start, minutes, title, links] = cells[..] else {
                return Err(bad());
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
                recording: None,
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
