//! `province root|card|move|take`: what the root of several keys decides, on papers.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::json;
use sotay_engine::feed::{DeviceId, UnitId};
use sotay_engine::{
    Carried, CommitteeCard, NewUnit, PackCode, ProfileDevice, ROOT_PAPER_BYTES_MAX, RootDeed, RootError,
    RootId, RootKey, RootPaper, UnitKind, new_root_key, root_policy, root_public_from_text, root_public_text,
};

use super::unit;
use crate::args::{Level, Root, RootCommand, Units};
use crate::failure::{Code, Failure};
use crate::files;
use crate::reply::Reply;
use crate::session::Session;
use crate::voice::Voice;

/// Records carried in one call, between two lines of progress.
const AT_ONCE: usize = 500;
/// Bytes of a file with a key or a card.
const SMALL_BYTES_MAX: usize = 64 * 1024;

pub(super) fn run(session: &Session, args: Root) -> Result<Reply, Failure> {
    match args.command {
        RootCommand::Key { out } => key(session, &out),
        RootCommand::Draft {
            name,
            level,
            public,
            threshold,
            label,
            out,
        } => draft(session, (name, level), &public, threshold, &label, &out),
        RootCommand::Show { paper } => show(session, &paper),
        RootCommand::Sign {
            paper,
            key,
            code,
            out,
        } => sign(session, &paper, (&key, &code), &out),
        RootCommand::Found {
            paper,
            upper,
            founder,
        } => found(session, &paper, upper, founder),
        RootCommand::Appoint { card, units, out } => {
            let card = read_card(&card)?;
            drafted(session, units, &out, move |device, units, now| {
                device.draft_appointment(units, &card, now)
            })
        }
        RootCommand::Dismiss { phone, units, out } => {
            let phone: DeviceId = phone
                .trim()
                .parse()
                .map_err(|_| Failure::new(Code::UnknownPhone).with("text", phone))?;
            drafted(session, units, &out, move |device, units, _| {
                device.draft_dismissal(units, phone)
            })
        }
        RootCommand::Carry { paper } => carry(session, &paper),
        RootCommand::Trust { expect } => trust(session, expect),
    }
}

fn name(path: &Path) -> String {
    path.display().to_string()
}

fn read(path: &Path, most: usize) -> Result<String, Failure> {
    files::read(&name(path), most)
}

fn read_paper(path: &Path) -> Result<RootPaper, Failure> {
    let text = read(path, ROOT_PAPER_BYTES_MAX)?;
    RootPaper::from_text(&text).map_err(|error| Failure::from(error).with("file", path.display()))
}

fn read_card(path: &Path) -> Result<CommitteeCard, Failure> {
    let text = read(path, SMALL_BYTES_MAX)?;
    CommitteeCard::from_text(&text).map_err(|error| Failure::from(error).with("file", path.display()))
}

fn key(session: &Session, out: &Path) -> Result<Reply, Failure> {
    let voice = session.voice;
    let (key, code, text) = new_root_key()?;
    let public = PathBuf::from(format!("{}.pub", out.display()));
    files::write(out, format!("{text}\n"))?;
    let public_key = root_public_text(&key.public());
    files::write(&public, format!("{public_key}\n"))?;
    let text = voice.say(
        "root.key",
        &[
            ("file", &out.display()),
            ("public", &public.display()),
            ("code", &code.to_text()),
        ],
    );
    let value = json!({
        "key": name(out),
        "public": name(&public),
        "code": code.to_text(),
        "public_key": public_key,
    });
    Ok(Reply::new(value, text))
}

fn draft(
    session: &Session,
    (unit, level): (String, Level),
    public: &[PathBuf],
    threshold: u8,
    label: &str,
    out: &Path,
) -> Result<Reply, Failure> {
    let mut keys = Vec::new();
    for path in public {
        let text = read(path, SMALL_BYTES_MAX)?;
        let key = root_public_from_text(&text);
        keys.push(key.ok_or_else(|| Failure::new(Code::BadRootKey).with("file", path.display()))?);
    }
    let (policy, root) = root_policy(threshold, &keys).ok_or_else(|| {
        Failure::new(Code::BadThreshold)
            .with("count", keys.len())
            .with("threshold", threshold)
    })?;
    let kind = match level {
        Level::Committee => UnitKind::COMMITTEE,
        Level::District => UnitKind::DISTRICT,
        Level::Province => UnitKind::PROVINCE,
    };
    let phone = session.open_or_create(label)?;
    let paper = phone.run(move |device, now| Ok(device.draft_root(&unit, kind, policy, now)?))?;
    written(session.voice, &paper, out, Some(root))
}

/// The paper into its file, and what it says.
fn written(voice: Voice, paper: &RootPaper, out: &Path, root: Option<RootId>) -> Result<Reply, Failure> {
    files::write(out, format!("{}\n", paper.to_text()))?;
    let done = voice.say("file.written", &[("file", &out.display())]);
    let said = describe(voice, paper);
    let mut value = value(paper);
    value["out"] = name(out).into();
    value["root"] = root.map(|root| root.to_string()).into();
    let root = root.map(|root| voice.say("root.hash", &[("root", &root)]));
    let text = [Some(done), Some(said), root]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>();
    Ok(Reply::new(value, text.join("\n")))
}

fn value(paper: &RootPaper) -> serde_json::Value {
    let entries: Vec<_> = paper
        .entries
        .iter()
        .map(|entry| json!({ "unit": entry.unit.to_string(), "name": entry.name, "deed": entry.deed() }))
        .collect();
    json!({ "records": entries, "signed": paper.signed() })
}

/// Lines that a person reads before signing; a long paper is counted.
fn describe(voice: Voice, paper: &RootPaper) -> String {
    const SHOWN: usize = 40;
    let mut lines: Vec<String> = paper
        .entries
        .iter()
        .take(SHOWN)
        .map(|entry| {
            let what = match entry.deed() {
                RootDeed::Found {
                    root,
                    threshold,
                    keys,
                } => voice.say(
                    "root.found",
                    &[("root", &root), ("threshold", &threshold), ("keys", &keys)],
                ),
                RootDeed::Appoint { phone } => voice.say("root.appoint", &[("phone", &phone)]),
                RootDeed::Dismiss { right } => voice.say("root.dismiss", &[("right", &right)]),
                RootDeed::Move { parent } => voice.say("root.move", &[("parent", &parent)]),
            };
            format!("  {}: {what}", entry.name)
        })
        .collect();
    if let Some(more) = paper.entries.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        lines.push(voice.say("root.more", &[("count", &more)]));
    }
    lines.push(voice.say("root.signed", &[("count", &paper.signed())]));
    lines.join("\n")
}

fn show(session: &Session, paper: &Path) -> Result<Reply, Failure> {
    let paper = read_paper(paper)?;
    Ok(Reply::new(value(&paper), describe(session.voice, &paper)))
}

fn sign(session: &Session, path: &Path, (key, code): (&Path, &str), out: &Path) -> Result<Reply, Failure> {
    let mut paper = read_paper(path)?;
    let key = RootKey::from_text(&read(key, SMALL_BYTES_MAX)?, &PackCode::from_text(code)?)
        .map_err(|error| Failure::from(error).with("file", key.display()))?;
    paper.sign(&key)?;
    written(session.voice, &paper, out, None)
}

fn found(session: &Session, paper: &Path, upper: String, founder: String) -> Result<Reply, Failure> {
    let voice = session.voice;
    let paper = read_paper(paper)?;
    let unit = paper
        .entries
        .first()
        .map(|entry| entry.name.clone())
        .unwrap_or_default();
    let phone = session.open_any()?;
    phone.run(move |device, now| {
        let new = NewUnit {
            name: unit,
            upper,
            founder,
            since: None,
        };
        Ok(device.found_rooted(&paper, &new, now)?)
    })?;
    let card = unit::card(&phone)?;
    let done = voice.say("unit.created", &[("profile", &phone.folder().display())]);
    Ok(Reply::new(
        unit::json(&card, &phone),
        format!("{done}\n\n{}", unit::describe(voice, &card)),
    ))
}

/// The units that were named.
fn wanted(device: &ProfileDevice, units: &Units) -> Result<Vec<UnitId>, Failure> {
    if units.own {
        return Ok(device.unit().into_iter().collect());
    }
    let lines = device.branches();
    if units.all {
        return Ok(lines.iter().map(|line| line.unit).collect());
    }
    units
        .branch
        .iter()
        .map(|text| super::province::branch(&lines, text).map(|line| line.unit))
        .collect()
}

fn drafted(
    session: &Session,
    units: Units,
    out: &Path,
    make: impl FnOnce(&mut ProfileDevice, &[UnitId], i64) -> Result<RootPaper, RootError> + Send + 'static,
) -> Result<Reply, Failure> {
    let phone = session.open()?;
    let paper = phone.run(move |device, now| {
        let units = wanted(device, &units)?;
        Ok(make(device, &units, now)?)
    })?;
    if paper.entries.is_empty() {
        return Err(Failure::new(Code::NothingToSign));
    }
    written(session.voice, &paper, out, None)
}

/// `province move`.
pub(super) fn shift(session: &Session, card: &Path, units: Units, out: &Path) -> Result<Reply, Failure> {
    let card = read_card(card)?;
    drafted(session, units, out, move |device, units, now| {
        device.draft_move(units, &card, now)
    })
}

/// `province card`.
pub(super) fn card(session: &Session, out: &Path) -> Result<Reply, Failure> {
    let voice = session.voice;
    let card = session.open()?.run(|device, _| Ok(device.committee_card()?))?;
    files::write(out, format!("{}\n", card.to_text()))?;
    let code = card.check_code();
    let text = voice.say(
        "root.card",
        &[
            ("file", &out.display()),
            ("count", &card.phones.len()),
            ("code", &code),
        ],
    );
    let value = json!({
        "out": name(out),
        "unit": card.unit.to_string(),
        "phones": card.phones.len(),
        "check_code": code,
    });
    Ok(Reply::new(value, text))
}

/// `province take`.
pub(super) fn take(session: &Session, paper: &Path) -> Result<Reply, Failure> {
    let voice = session.voice;
    let paper = read_paper(paper)?;
    let count = session
        .open()?
        .run(move |device, _| Ok(device.follow_moved(&paper)?))?;
    Ok(Reply::new(
        json!({ "taken": count }),
        voice.say("root.taken", &[("count", &count)]),
    ))
}

fn carry(session: &Session, paper: &Path) -> Result<Reply, Failure> {
    let voice = session.voice;
    let paper = std::sync::Arc::new(read_paper(paper)?);
    let phone = session.open()?;
    let (begun, total) = (Instant::now(), paper.entries.len());
    let mut all = Carried::default();
    for from in (0..total).step_by(AT_ONCE) {
        let (paper, range) = (std::sync::Arc::clone(&paper), from..total.min(from + AT_ONCE));
        let some = phone.run(move |device, _| Ok(device.carry_root(&paper, range)?))?;
        (all.written, all.known) = (all.written + some.written, all.known + some.known);
        if !session.json && total > AT_ONCE {
            let done = all.written + all.known;
            let line = voice.say("root.progress", &[("done", &done), ("total", &total)]);
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
    let seconds = format!("{:.1}", begun.elapsed().as_secs_f64());
    let text = voice.say(
        "root.carried",
        &[
            ("written", &all.written),
            ("known", &all.known),
            ("seconds", &seconds),
        ],
    );
    Ok(Reply::new(
        json!({ "written": all.written, "known": all.known }),
        text,
    ))
}

fn trust(session: &Session, expect: Option<String>) -> Result<Reply, Failure> {
    let voice = session.voice;
    let expected: Option<RootId> = expect
        .map(|text| {
            text.parse()
                .map_err(|_| Failure::new(Code::BadRoot).with("text", text))
        })
        .transpose()?;
    let root = session.open()?.run(|device, _| Ok(device.root()?))?;
    if expected.is_some() && root.is_none() {
        return Err(Failure::new(Code::RootUnproven));
    }
    if expected.is_some() && root != expected {
        let found = root.map(|root| root.to_string()).unwrap_or_default();
        return Err(Failure::new(Code::OtherRootTrusted).details(json!({ "root": found })));
    }
    let text = match root {
        Some(root) => voice.say("root.hash", &[("root", &root)]),
        None => voice.say("root.none", &[]),
    };
    Ok(Reply::new(
        json!({ "root": root.map(|root| root.to_string()) }),
        text,
    ))
}
