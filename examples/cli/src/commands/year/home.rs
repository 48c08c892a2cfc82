//! `home`.

use serde_json::json;
use sotay_engine::HomeView;
use sotay_engine::handbook::{Date, Lang};

use crate::failure::Failure;
use crate::reply::Reply;
use crate::session::Session;
use crate::show;
use crate::voice::Voice;

pub(in crate::commands) fn run(session: &Session) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let view = device.home_view(now)?;
        let text = text(voice, &view);
        Ok(Reply::new(json!({ "home": view }), text))
    })
}

fn text(voice: Voice, view: &HomeView) -> String {
    let day = view.today.long();
    let role = voice.word(view.role);
    let mut lines = vec![voice.say("home.heading", &[("date", &day), ("role", &role)])];
    lines.extend(view.holiday.clone());
    if let Some(meeting) = &view.meeting {
        let date = meeting.date.map(Date::long).unwrap_or_default();
        lines.push(voice.say(
            "home.meeting",
            &[
                ("name", &show::heading(voice, meeting)),
                ("date", &date),
                ("phase", &voice.word(view.phase)),
            ],
        ));
    }
    for (at, action) in view.actions.iter().enumerate() {
        let label = if voice.lang == Lang::Vi {
            &action.vi
        } else {
            &action.en
        };
        lines.push(format!("{:>3}. {label}", at + 1));
    }
    lines.push(voice.say(
        "home.waiting",
        &[
            ("review", &view.review_open),
            ("tasks", &view.tasks.len()),
            ("overdue", &view.overdue),
            ("reports", &view.reports_due.len()),
            ("unsent", &view.unsent),
        ],
    ));
    for month in &view.reports_returned {
        lines.push(voice.say("home.returned", &[("month", month)]));
    }
    if view.moves_waiting > 0 {
        lines.push(voice.say("home.moves", &[("count", &view.moves_waiting)]));
    }
    lines.join("\n")
}
