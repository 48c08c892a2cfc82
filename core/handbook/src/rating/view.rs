//! Reading ratings.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sotay_document::Reads;
use sotay_feed::{DocId, InOrder, IntoTree, MemberId};

use super::{Column, Criteria, EvidenceCell, Rated, Scale};
use crate::claim::{Devices, Field, Mark};
use crate::ids::{EntryId, parse_id, ser};
use crate::schema;
use crate::sheet::Sheet;
use crate::words::Words;

/// All ratings of a year: the branch first, then members by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RatingView {
    /// One card for each who was rated.
    pub cards: Vec<Card>,
}

/// Everything about one who is rated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Card {
    /// Who.
    pub rated: Rated,
    /// Scored criteria, in the order of the tree.
    pub criteria: Vec<LeafScores>,
    /// The three columns side by side: own, committee, parent.
    pub columns: Vec<ColumnResult>,
    /// Evidence, by criterion, then by id.
    pub evidence: Vec<Evidence>,
}

/// Points for one criterion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeafScores {
    /// Its key.
    pub criterion: String,
    /// Most points, in hundredths.
    pub most: u32,
    /// Points by column and scorer.
    pub points: Vec<ScorerPoints>,
    /// Average of each column over its scorers, in hundredths, rounded half up: own, committee, parent.
    pub averages: [Option<u32>; 3],
}

/// Points one scorer gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScorerPoints {
    /// In which column.
    pub column: Column,
    /// Who gave them.
    #[serde(serialize_with = "ser::id")]
    pub scorer: MemberId,
    /// In hundredths; `None` where they were taken back.
    pub points: Field<Option<u32>>,
}

/// What a column comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnResult {
    /// Which.
    pub column: Column,
    /// Sum of its averages, in hundredths; `None` when nothing was scored in it.
    pub total: Option<u32>,
    /// All points that can be reached, in hundredths.
    pub most: u32,
    /// Criteria without points in it.
    pub missing: u32,
    /// The level its points propose, by the thresholds; only when no criterion is missing.
    pub proposed: Option<String>,
    /// The level that was decided on.
    pub decided: Field<Option<String>>,
}

/// Evidence for a criterion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// Id.
    pub id: EntryId,
    /// Key of the criterion.
    pub criterion: String,
    /// What shows it.
    pub text: Words,
    /// The meeting it was shown in.
    #[serde(serialize_with = "ser::opt")]
    pub meeting: Option<DocId>,
    /// By whom, when.
    pub mark: Mark,
}

/// Key of points.
pub(super) fn score_key(rated: Rated, criterion: &str, column: Column, scorer: MemberId) -> String {
    format!("{rated}/{criterion}/{}/{scorer}", column.key())
}

/// Key of a decision.
pub(super) fn level_key(rated: Rated, column: Column) -> String {
    format!("{rated}/{}", column.key())
}

impl RatingView {
    /// Reads the document by the criteria of its year.
    pub fn read<R: Reads>(doc: &R, devices: &Devices, criteria: &Criteria) -> Self {
        let sheet = Sheet::of(doc, devices);
        let mut points: BTreeMap<(Rated, String), Vec<ScorerPoints>> = BTreeMap::new();
        for key in sheet.keys(schema::SCORES) {
            if let Some((rated, criterion, of_one)) = scored(&sheet, &key) {
                points.entry((rated, criterion)).or_default().push(of_one);
            }
        }
        let mut evidence: BTreeMap<Rated, Vec<Evidence>> = BTreeMap::new();
        for key in sheet.keys(schema::EVIDENCE) {
            if let Some((rated, one)) = shown(&sheet, &key) {
                evidence.entry(rated).or_default().push(one);
            }
        }
        let levels = sheet.keys(schema::LEVELS);
        let decided = levels
            .iter()
            .filter_map(|key| Rated::read(key.split('/').next()?));
        let mut rated: BTreeSet<Rated> = points.keys().map(|(rated, _)| *rated).into_set();
        rated.extend(evidence.keys().copied());
        rated.extend(decided);
        let cards = rated
            .into_iter()
            .map(|rated| {
                let scale = match rated {
                    Rated::Branch => &criteria.branch,
                    Rated::Member(_) => &criteria.member,
                };
                let mut evidence = evidence.remove(&rated).unwrap_or_default();
                evidence.in_order_by(|a, b| (&a.criterion, a.id).cmp(&(&b.criterion, b.id)));
                let of_one = leaves(scale, |criterion| points.remove(&(rated, criterion.to_owned())));
                Card {
                    rated,
                    columns: columns(&sheet, rated, scale, &of_one),
                    criteria: of_one,
                    evidence,
                }
            })
            .collect();
        Self { cards }
    }

    /// The card of one who is rated.
    pub fn card(&self, rated: Rated) -> Option<&Card> {
        self.cards.iter().find(|card| card.rated == rated)
    }
}

fn scored<R: Reads>(sheet: &Sheet<'_, R>, key: &str) -> Option<(Rated, String, ScorerPoints)> {
    let mut parts = key.split('/');
    let rated = Rated::read(parts.next()?)?;
    let criterion = parts.next()?.to_owned();
    let column = Column::from_key(parts.next()?)?;
    let scorer = parse_id(parts.next()?).filter(|_| parts.next().is_none())?;
    let points = sheet.field(schema::SCORES, key, &format!("score/{key}"));
    Some((
        rated,
        criterion,
        ScorerPoints {
            column,
            scorer,
            points,
        },
    ))
}

fn shown<R: Reads>(sheet: &Sheet<'_, R>, key: &str) -> Option<(Rated, Evidence)> {
    let (id, device) = key.split_once('/')?;
    let (id, device) = (parse_id(id)?, parse_id(device)?);
    let found = sheet.owned::<EvidenceCell>(schema::EVIDENCE, key, device)?;
    let mark = Mark {
        device,
        at_ms: found.at_ms,
    };
    let EvidenceCell {
        rated,
        criterion,
        text,
        meeting,
    } = found.value;
    Some((
        Rated::read(&rated)?,
        Evidence {
            id,
            criterion,
            text,
            meeting,
            mark,
        },
    ))
}

fn leaves(scale: &Scale, mut points: impl FnMut(&str) -> Option<Vec<ScorerPoints>>) -> Vec<LeafScores> {
    scale
        .leaves()
        .into_iter()
        .map(|leaf| {
            let points = points(&leaf.key).unwrap_or_default();
            let average = |column: &Column| {
                let given: Vec<u64> = points
                    .iter()
                    .filter(|one| one.column == *column)
                    .filter_map(|one| one.points.value.flatten())
                    .map(|value| u64::from(value.min(leaf.points)))
                    .collect();
                let count = given.len() as u64;
                (count > 0).then(|| ((given.iter().sum::<u64>() * 2 + count) / (count * 2)) as u32)
            };
            let averages = [Column::Own, Column::Committee, Column::Parent].map(|column| average(&column));
            LeafScores {
                criterion: leaf.key.clone(),
                most: leaf.points,
                points,
                averages,
            }
        })
        .collect()
}

fn columns<R: Reads>(
    sheet: &Sheet<'_, R>,
    rated: Rated,
    scale: &Scale,
    criteria: &[LeafScores],
) -> Vec<ColumnResult> {
    Column::ALL
        .iter()
        .map(|&column| {
            let at = usize::from(column.number());
            let given: Vec<u32> = criteria.iter().filter_map(|leaf| leaf.averages[at]).collect();
            let missing = (criteria.len() - given.len()) as u32;
            let total = (!given.is_empty()).then(|| given.iter().sum());
            let proposed = total
                .filter(|_| missing == 0)
                .and_then(|total| scale.level(total));
            let key = level_key(rated, column);
            ColumnResult {
                column,
                total,
                most: scale.most(),
                missing,
                proposed: proposed.map(|level| level.key.clone()),
                decided: sheet.field(schema::LEVELS, &key, &format!("level/{key}")),
            }
        })
        .collect()
}
