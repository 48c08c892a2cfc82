//! `members export`: the roster as a table that spreadsheets open and `members import` reads again.

use serde_json::json;
use sotay_engine::handbook::Date;
use sotay_engine::handbook::meeting::MeetingView;
use sotay_engine::{MemberLine, ProfileDevice, today};

use super::day;
use crate::args::Export;
use crate::failure::{Code, Failure};
use crate::files;
use crate::reply::Reply;
use crate::session::Session;
use crate::voice::Voice;

pub(super) fn run(session: &Session, args: Export) -> Result<Reply, Failure> {
    let (voice, on) = (session.voice, day(args.on.as_deref())?);
    let year = args.attendance;
    let (rows, members) = session.open()?.run(move |device, now| {
        let members = device.members(on.unwrap_or(today(now)))?;
        let meetings = year.map_or(Ok(Vec::new()), |year| meetings_of(device, year))?;
        let mut head: Vec<String> = [
            voice.say("export.number", &[]),
            voice.say("export.name", &[]),
            voice.say("export.role", &[]),
            voice.say("export.group", &[]),
            voice.say("export.standing", &[]),
            voice.say("export.activity", &[]),
        ]
        .to_vec();
        head.extend(meetings.iter().map(|(date, _)| date.long()));
        let mut rows = vec![head];
        rows.extend(members.iter().map(|line| row(voice, line, &meetings)));
        Ok((rows, members.len()))
    })?;
    let table = table(&rows).map_err(|()| Failure::new(Code::Mistake).with("place", "csv"))?;
    let value = json!({
        "members": members,
        "columns": rows.first(),
        "out": args.out.as_ref().map(|path| path.display().to_string()),
    });
    match args.out {
        Some(path) => {
            // Spreadsheets take a file without this mark for one in the old encodings.
            files::write(&path, format!("\u{feff}{table}"))?;
            let said = voice.say("file.written", &[("file", &path.display())]);
            Ok(Reply::new(value, said))
        }
        None => Ok(Reply::new(value, table)),
    }
}

/// Meetings of a year that took place, by day.
fn meetings_of(device: &mut ProfileDevice, year: i32) -> Result<Vec<(Date, MeetingView)>, Failure> {
    let mut meetings = Vec::new();
    for heading in device.meetings()? {
        let Some(date) = heading.date.filter(|date| date.month().year() == year) else {
            continue;
        };
        let view = device.meeting_view(heading.doc)?;
        if view.attendance.taken {
            meetings.push((date, view));
        }
    }
    meetings.sort_by_key(|(date, view)| (*date, view.id));
    Ok(meetings)
}

fn row(voice: Voice, line: &MemberLine, meetings: &[(Date, MeetingView)]) -> Vec<String> {
    let member = line.line.member;
    let name = line.name.clone();
    let group = line.line.group.as_ref().map(|group| group.as_str().to_owned());
    let mut row = vec![
        line.line.number.to_string(),
        name.unwrap_or_else(|| voice.member(member, &sotay_engine::handbook::Nameless)),
        voice.word(line.line.role),
        group.unwrap_or_default(),
        voice.word(line.line.standing),
        voice.word(line.line.activity),
    ];
    let state = |view: &MeetingView| view.line(member).map(|line| voice.word(line.state));
    row.extend(meetings.iter().map(|(_, view)| state(view).unwrap_or_default()));
    row
}

fn table(rows: &[Vec<String>]) -> Result<String, ()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer
            .write_record(row.iter().map(|cell| harmless(cell)))
            .map_err(drop)?;
    }
    String::from_utf8(writer.into_inner().map_err(drop)?).map_err(drop)
}

/// A name that begins like a formula must not be one where the table is opened.
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_needed_and_formulas_are_text() {
        let rows = vec![vec![
            "Lê, An".to_owned(),
            "=1+1".to_owned(),
            "\"Tổ\" 1".to_owned(),
        ]];
        assert_eq!(table(&rows).unwrap(), "\"Lê, An\",'=1+1,\"\"\"Tổ\"\" 1\"\n");
    }
}
