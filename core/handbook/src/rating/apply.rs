//! Rating.

use sotay_document::crdt::Transaction;
use sotay_feed::MemberId;

use super::view::{level_key, score_key};
use super::{Command, Criteria, EvidenceCell, Rated, RatingView, Scale, review};
use crate::acting::Acting;
use crate::claim::Devices;
use crate::error::{CommandError, What};
use crate::limits::EVIDENCE_MAX;
use crate::review::settle;
use crate::schema;
use crate::sheet::{Pen, at_most, line, officers_choices};

/// Carries a command out; `known` says who is or was on the roster. On an error nothing must be kept of the transaction
/// (`Document::edit` rolls it back).
pub fn apply(
    tx: &mut Transaction<'_>,
    acting: &Acting,
    devices: &Devices,
    criteria: &Criteria,
    known: &dyn Fn(MemberId) -> bool,
    command: &Command,
) -> Result<(), CommandError> {
    acting.must_be_officer()?;
    let check = |member: MemberId| {
        if known(member) {
            Ok(())
        } else {
            Err(CommandError::Unknown(What::Member))
        }
    };
    let scale = |rated: &Rated| match rated {
        Rated::Branch => Ok(&criteria.branch),
        Rated::Member(member) => check(*member).map(|()| &criteria.member),
    };
    if let Command::Settle { item, pick, id } = command {
        let view = RatingView::read(&*tx, devices, criteria);
        let known = officers_choices(&*tx, devices);
        return settle(tx, acting, &review(&view), &known, item, pick, *id);
    }
    let mut pen = Pen { tx, acting };
    match command {
        Command::Score {
            rated,
            criterion,
            column,
            scorer,
            points,
        } => {
            let leaf = leaf(scale(rated)?, criterion)?;
            check(*scorer)?;
            at_most(
                What::Criterion,
                u64::from(points.unwrap_or(0)),
                u64::from(leaf.points),
            )?;
            pen.put(
                schema::SCORES,
                &score_key(*rated, criterion, *column, *scorer),
                points,
            )
        }
        Command::Decide { rated, column, level } => {
            let levels = &scale(rated)?.levels;
            if level
                .as_ref()
                .is_some_and(|level| levels.iter().all(|known| known.key != *level))
            {
                return Err(CommandError::Unknown(What::Level));
            }
            pen.put(schema::LEVELS, &level_key(*rated, *column), level)
        }
        Command::AddEvidence {
            id,
            rated,
            criterion,
            text,
            meeting,
        } => {
            leaf(scale(rated)?, criterion)?;
            let key = format!("{id}/{}", acting.device);
            if pen.has(schema::EVIDENCE, &key)? {
                return Err(CommandError::Exists(What::Evidence));
            }
            let cell = EvidenceCell {
                rated: rated.to_string(),
                criterion: criterion.clone(),
                text: line(What::Evidence, text)?,
                meeting: *meeting,
            };
            let count = RatingView::read(&*pen.tx, devices, criteria)
                .cards
                .iter()
                .map(|card| card.evidence.len() as u64)
                .sum::<u64>();
            at_most(What::Evidence, count + 1, EVIDENCE_MAX as u64)?;
            pen.put(schema::EVIDENCE, &key, &cell)
        }
        Command::Settle { .. } => Ok(()),
    }
}

fn leaf<'a>(scale: &'a Scale, criterion: &str) -> Result<&'a super::Node, CommandError> {
    let leaves = scale.leaves();
    leaves
        .into_iter()
        .find(|leaf| leaf.key == criterion)
        .ok_or(CommandError::Unknown(What::Criterion))
}
