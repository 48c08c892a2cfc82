//! `rating`.

use serde_json::json;
use sotay_engine::handbook::number::hundredths;
use sotay_engine::handbook::rating::{Card, Command, Criteria, Rated, Scale};
use sotay_engine::handbook::{Lang, Names};
use sotay_engine::{ProfileDevice, today};

use crate::args::{Rating, RatingCommand};
use crate::failure::Failure;
use crate::pick::{self, People};
use crate::reply::Reply;
use crate::session::Session;
use crate::show::columns;
use crate::voice::Voice;

/// Names the branch among those who are rated.
const BRANCH: &str = "branch";

pub(in crate::commands) fn run(session: &Session, args: Rating) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, now| {
        let year = args.year.unwrap_or(today(now).month().year());
        let command = args.command.unwrap_or(RatingCommand::Show {
            rated: BRANCH.to_owned(),
        });
        let people = People::of_roster(device)?;
        let rated = |text: &str| match pick::folded(text).as_str() {
            BRANCH => Ok(Rated::Branch),
            _ => people.one(text).map(Rated::Member),
        };
        let (of, command) = match command {
            RatingCommand::Show { rated: of } => (rated(&of)?, None),
            RatingCommand::Score {
                rated: of,
                criterion,
                points,
                column,
                by,
            } => {
                let rated = rated(&of)?;
                known(device, year, rated, &criterion)?;
                let score = Command::Score {
                    rated,
                    criterion,
                    column,
                    scorer: people.one(&by)?,
                    points: pick::points(&points)?,
                };
                (rated, Some(score))
            }
            RatingCommand::Decide {
                rated: of,
                level,
                column,
            } => {
                let rated = rated(&of)?;
                let level = Some(level).filter(|level| !pick::is_none_word(level));
                (rated, Some(Command::Decide { rated, column, level }))
            }
            RatingCommand::Evidence {
                rated: of,
                criterion,
                text,
                meeting,
            } => {
                let rated = rated(&of)?;
                known(device, year, rated, &criterion)?;
                let meeting = meeting
                    .map(|meeting| pick::meeting(device, Some(&meeting)))
                    .transpose()?;
                let add = Command::AddEvidence {
                    id: device.fresh_id(),
                    rated,
                    criterion,
                    text: text.into(),
                    meeting,
                };
                (rated, Some(add))
            }
        };
        if let Some(command) = command {
            device.rate(year, &command, now)?;
        }
        show(voice, device, year, of)
    })
}

fn known(device: &mut ProfileDevice, year: i32, of: Rated, criterion: &str) -> Result<(), Failure> {
    let criteria = device.criteria(year)?;
    let leaves = scale(&criteria, of).leaves();
    let known: Vec<&str> = leaves.iter().map(|leaf| leaf.key.as_str()).collect();
    pick::criterion(criterion, &known)
}

fn show(voice: Voice, device: &mut ProfileDevice, year: i32, of: Rated) -> Result<Reply, Failure> {
    let (view, criteria) = (device.rating(year)?, device.criteria(year)?);
    let card = view.card(of);
    let text = text(voice, card, scale(&criteria, of), device.names());
    let heading = voice.say("rating.heading", &[("name", &criteria.name), ("year", &year)]);
    Ok(Reply::new(
        json!({ "year": year, "rated": of, "criteria": criteria.name, "card": card }),
        format!("{heading}\n{text}"),
    ))
}

fn scale(criteria: &Criteria, of: Rated) -> &Scale {
    match of {
        Rated::Branch => &criteria.branch,
        Rated::Member(_) => &criteria.member,
    }
}

fn text(voice: Voice, card: Option<&Card>, scale: &Scale, names: &dyn Names) -> String {
    let points =
        |points: Option<u32>| points.map_or("–".to_owned(), |points| hundredths(u64::from(points)));
    let name = |vi: &str, en: &str| if voice.lang == Lang::Vi { vi } else { en }.to_owned();
    let mut rows: Vec<Vec<String>> = Vec::new();
    for leaf in scale.leaves() {
        let found = card.and_then(|card| card.criteria.iter().find(|one| one.criterion == leaf.key));
        let averages = found.map_or([None; 3], |found| found.averages);
        let mut row = vec![leaf.key.clone(), name(&leaf.vi, &leaf.en)];
        row.extend(averages.map(points));
        row.push(hundredths(u64::from(leaf.points)));
        rows.push(row);
    }
    let mut out = columns(&rows);
    for column in card.map(|card| &card.columns[..]).unwrap_or_default() {
        let level = |key: Option<&String>| {
            let level = key.and_then(|key| scale.levels.iter().find(|level| level.key == *key));
            level.map_or("–".to_owned(), |level| name(&level.vi, &level.en))
        };
        out.push('\n');
        out.push_str(&voice.say(
            "rating.column",
            &[
                ("column", &voice.word(column.column)),
                ("total", &points(column.total)),
                ("most", &hundredths(u64::from(column.most))),
                ("missing", &column.missing),
                ("proposed", &level(column.proposed.as_ref())),
                (
                    "decided",
                    &level(column.decided.value.as_ref().and_then(Option::as_ref)),
                ),
            ],
        ));
    }
    for one in card.map(|card| &card.evidence[..]).unwrap_or_default() {
        out.push_str(&format!(
            "\n{}: {} ({})",
            one.criterion,
            one.text.as_str(),
            voice.device(one.mark.device, names)
        ));
    }
    out
}
