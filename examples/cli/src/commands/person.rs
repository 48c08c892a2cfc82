//! `person`: personal data, and what is recorded about opening it.

use std::path::{Path, PathBuf};

use serde_json::json;
use sotay_engine::{Contact, today};

use crate::args::{Person, PersonCommand};
use crate::failure::Failure;
use crate::files;
use crate::pick::{People, date};
use crate::reply::Reply;
use crate::session::Session;
use crate::show::columns;

/// Bytes of a file with a passphrase.
const PASSPHRASE_BYTES_MAX: usize = 4096;

pub(super) fn run(session: &Session, args: Person) -> Result<Reply, Failure> {
    match args.command {
        PersonCommand::Contact {
            member,
            phone,
            born,
            card,
            note,
        } => contact(
            session,
            member,
            Contact {
                phone,
                born,
                card,
                note,
            },
        ),
        PersonCommand::Show { member } => show(session, member),
        PersonCommand::List => list(session),
        PersonCommand::Erase { member, yes: _ } => erase(session, member),
        PersonCommand::Accesses => accesses(session),
        PersonCommand::Consent {
            member,
            purpose,
            withdrawn,
            on,
        } => consent(session, member, purpose, !withdrawn, on.as_deref()),
        PersonCommand::Consents { member } => consents(session, member),
        PersonCommand::Retention { months } => retention(session, months),
        PersonCommand::Export {
            out,
            member,
            passphrase,
        } => export(session, &out, member, &passphrase),
    }
}

fn contact(session: &Session, wanted: String, contact: Contact) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let member = People::of_roster(device)?.one(&wanted)?;
        device.set_contact(member, &contact)?;
        let name = voice.member(member, device.names());
        Ok(Reply::new(
            json!({ "member": member.to_string() }),
            voice.say("person.written", &[("name", &name)]),
        ))
    })
}

fn show(session: &Session, wanted: String) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let member = People::of_roster(device)?.one(&wanted)?;
        let contact = device.open_contact(member, now)?;
        let name = voice.member(member, device.names());
        let text = match &contact {
            None => voice.say("person.unknown", &[("name", &name)]),
            Some(known) => voice.say(
                "person.contact",
                &[
                    ("name", &name),
                    ("phone", &known.phone),
                    ("born", &known.born),
                    ("card", &known.card),
                    ("note", &known.note),
                ],
            ),
        };
        Ok(Reply::new(
            json!({ "member": member.to_string(), "contact": contact }),
            text,
        ))
    })
}

fn list(session: &Session) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let members = device.contacts()?;
        let names: Vec<String> = members
            .iter()
            .map(|member| voice.member(*member, device.names()))
            .collect();
        let heading = voice.say("person.known", &[("count", &names.len())]);
        let ids: Vec<String> = members.iter().map(ToString::to_string).collect();
        Ok(Reply::new(
            json!({ "members": ids }),
            format!("{heading}\n{}", names.join("\n")),
        ))
    })
}

fn erase(session: &Session, wanted: String) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let member = People::of_roster(device)?.one(&wanted)?;
        let erased = device.erase_person(member)?;
        let mut text = voice.say("person.erased", &[("count", &erased.cards)]);
        if erased.old_name_remains {
            text = format!("{text}\n{}", voice.say("person.old_name", &[]));
        }
        Ok(Reply::new(
            json!({ "member": member.to_string(), "erased": erased }),
            text,
        ))
    })
}

fn accesses(session: &Session) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let lines = device.accesses()?;
        let rows: Vec<Vec<String>> = lines
            .iter()
            .map(|line| {
                let what = match line.what {
                    sotay_engine::Opened::Contact => voice.say("person.opened_contact", &[]),
                    sotay_engine::Opened::Feedback => {
                        voice.say("person.opened_feedback", &[("count", &line.items)])
                    }
                    sotay_engine::Opened::Export => voice.say("person.opened_export", &[]),
                };
                let whose = line.member.map(|member| voice.member(member, device.names()));
                let by = line.by.map(|member| voice.member(member, device.names()));
                vec![
                    voice.moment(line.at_ms),
                    by.unwrap_or_default(),
                    voice.device(line.device, device.names()),
                    what,
                    whose.unwrap_or_default(),
                ]
            })
            .collect();
        let heading = voice.say("person.accesses", &[("count", &lines.len())]);
        Ok(Reply::new(
            json!({ "accesses": lines }),
            format!("{heading}\n{}", columns(&rows)),
        ))
    })
}

fn consent(
    session: &Session,
    wanted: String,
    purpose: String,
    given: bool,
    on: Option<&str>,
) -> Result<Reply, Failure> {
    let voice = session.voice;
    let on = on.map(date).transpose()?;
    session.open()?.run(move |device, now| {
        let member = People::of_roster(device)?.one(&wanted)?;
        let day = on.unwrap_or(today(now));
        device.record_consent(member, &purpose, given, day, now)?;
        let name = voice.member(member, device.names());
        let said: [(&str, &dyn std::fmt::Display); 3] =
            [("name", &name), ("purpose", &purpose), ("date", &day.long())];
        let text = if given {
            voice.say("person.consented", &said)
        } else {
            voice.say("person.withdrew", &said)
        };
        Ok(Reply::new(
            json!({ "member": member.to_string(), "purpose": purpose, "given": given, "day": day }),
            text,
        ))
    })
}

fn consents(session: &Session, wanted: Option<String>) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let member = match wanted {
            Some(wanted) => Some(People::of_roster(device)?.one(&wanted)?),
            None => None,
        };
        let lines = device.consents(member)?;
        let rows: Vec<Vec<String>> = lines
            .iter()
            .map(|line| {
                let state = if line.given {
                    voice.say("person.given", &[])
                } else {
                    voice.say("person.taken_back", &[])
                };
                let name = voice.member(line.member, device.names());
                vec![line.day.clone(), name, state, line.purpose.clone()]
            })
            .collect();
        let heading = voice.say("person.consents", &[("count", &lines.len())]);
        Ok(Reply::new(
            json!({ "consents": lines }),
            format!("{heading}\n{}", columns(&rows)),
        ))
    })
}

fn retention(session: &Session, months: Option<u32>) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        if let Some(months) = months {
            device.set_retention(months, now)?;
        }
        let rule = device.retention()?;
        let due = device.retention_due(now)?;
        let names: Vec<String> = due
            .iter()
            .map(|member| voice.member(*member, device.names()))
            .collect();
        let text = match rule {
            None => voice.say("person.no_rule", &[]),
            Some(months) => {
                let heading = voice.say("person.rule", &[("months", &months), ("count", &names.len())]);
                format!("{heading}\n{}", names.join("\n"))
            }
        };
        let ids: Vec<String> = due.iter().map(ToString::to_string).collect();
        Ok(Reply::new(json!({ "months": rule, "due": ids }), text))
    })
}

fn export(session: &Session, out: &Path, wanted: Option<String>, passphrase: &str) -> Result<Reply, Failure> {
    let (voice, lang) = (session.voice, session.voice.lang);
    let phone = session.open()?;
    let text = files::read(passphrase, PASSPHRASE_BYTES_MAX)?;
    let passphrase = text.lines().next().unwrap_or_default().to_owned();
    let sealed = phone.run(move |device, now| {
        let data = match wanted {
            Some(wanted) => {
                let member = People::of_roster(device)?.one(&wanted)?;
                device.data_of(member, now)?
            }
            None => device.own_data(now)?,
        };
        Ok(device.seal_export(&data, &passphrase, lang)?)
    })?;
    let mut written = Vec::new();
    for (end, bytes) in [("json.age", &sealed.json), ("txt.age", &sealed.text)] {
        let path = PathBuf::from(format!("{}.{end}", out.display()));
        files::write(&path, bytes)?;
        written.push(path.display().to_string());
    }
    let text = voice.say("person.exported", &[("files", &written.join(", "))]);
    Ok(Reply::new(json!({ "files": written }), text))
}
