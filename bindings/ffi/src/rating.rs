//! Ratings of a year: of the branch and of its members.

use sotay_engine::handbook::rating::{self, Card, Command, Rated};
use sotay_engine::handbook::{EntryId, Names, Words};

use crate::call::ask;
use crate::convert::mark;
use crate::error::{HandbookError, OrFault, parse, parse_opt};
use crate::meeting_view::{ContestedField, MarkView, PersonView};
use crate::record_kinds::ScoreColumn;
use crate::records::{Contested, Records, member, words};

/// Who is rated.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum RatedSubject {
    /// The branch.
    Branch,
    /// A member.
    Member {
        /// Who.
        id: String,
    },
}

impl RatedSubject {
    fn read(&self) -> Result<Rated, HandbookError> {
        Ok(match self {
            Self::Branch => Rated::Branch,
            Self::Member { id } => Rated::Member(parse(id, "member")?),
        })
    }

    fn of(rated: Rated) -> Self {
        match rated {
            Rated::Branch => Self::Branch,
            Rated::Member(id) => Self::Member { id: id.to_string() },
        }
    }
}

/// A criterion, or a group of criteria.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct CriterionView {
    /// Its key.
    pub key: String,
    /// Vietnamese words.
    pub vi: String,
    /// English words.
    pub en: String,
    /// Most points of a criterion, in hundredths; 0 for a group.
    pub points: u32,
    /// 0 for the top of the tree, 1 for what is in it, and so on; the list is in the order of the tree.
    pub depth: u32,
    /// Whether points are given for it; otherwise it is a group.
    pub leaf: bool,
}

/// A level that points lead to.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct LevelView {
    /// Its key.
    pub key: String,
    /// Vietnamese words.
    pub vi: String,
    /// English words.
    pub en: String,
    /// Points from which it is proposed, in hundredths.
    pub at_least: u32,
}

/// What is rated, and into which levels.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ScaleView {
    /// The tree of criteria, flattened.
    pub criteria: Vec<CriterionView>,
    /// Levels, best first.
    pub levels: Vec<LevelView>,
    /// All points that can be reached, in hundredths.
    pub most: u32,
}

/// The criteria of a year.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct CriteriaView {
    /// Name of the directive.
    pub name: String,
    /// First day on which it holds.
    pub from: String,
    /// For the branch.
    pub branch: ScaleView,
    /// For members.
    pub member: ScaleView,
}

/// Points of one scorer for one criterion.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ScorerPointsView {
    /// In which column.
    pub column: ScoreColumn,
    /// Whose points.
    pub scorer: PersonView,
    /// In hundredths; none when taken back.
    pub points: Option<u32>,
    /// `points`, where two phones wrote differently.
    pub contested: Vec<ContestedField>,
}

/// A criterion of a card.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct LeafScoresView {
    /// Key of the criterion.
    pub criterion: String,
    /// Most points, in hundredths.
    pub most: u32,
    /// Points by column and scorer.
    pub points: Vec<ScorerPointsView>,
    /// Average of the own column, in hundredths.
    pub own: Option<u32>,
    /// Average of the committee's column, in hundredths.
    pub committee: Option<u32>,
    /// Average of the column of the body above, in hundredths.
    pub parent: Option<u32>,
}

/// The sum of a column.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ColumnResultView {
    /// Which.
    pub column: ScoreColumn,
    /// Sum of its averages, in hundredths; none when nothing was scored.
    pub total: Option<u32>,
    /// All points that can be reached, in hundredths.
    pub most: u32,
    /// Criteria without points in it.
    pub missing: u32,
    /// Key of the level that its points propose; only when no criterion is missing.
    pub proposed: Option<String>,
    /// Key of the level that was decided.
    pub decided: Option<String>,
    /// `decided`, where two phones wrote differently.
    pub contested: Vec<ContestedField>,
}

/// What supports points.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct EvidenceView {
    /// Its id.
    pub id: String,
    /// Key of the criterion.
    pub criterion: String,
    /// In words.
    pub text: String,
    /// The meeting that it is about.
    pub meeting: Option<String>,
    /// Who, when.
    pub mark: MarkView,
}

/// How one of those rated stands.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct RatingCardView {
    /// Who.
    pub rated: RatedSubject,
    /// Name of the member, if known here; none for the branch.
    pub name: Option<String>,
    /// Criterion by criterion.
    pub criteria: Vec<LeafScoresView>,
    /// Own, committee, body above.
    pub columns: Vec<ColumnResultView>,
    /// What supports the points.
    pub evidence: Vec<EvidenceView>,
}

/// One command about ratings. The committee only.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum RatingCommand {
    /// Gives points for a criterion.
    Score {
        /// Who is rated.
        rated: RatedSubject,
        /// Key of the criterion.
        criterion: String,
        /// In which column.
        column: ScoreColumn,
        /// Whose points.
        scorer: String,
        /// In hundredths; none takes them back.
        points: Option<u32>,
    },
    /// Decides a level.
    Decide {
        /// Who is rated.
        rated: RatedSubject,
        /// In which column.
        column: ScoreColumn,
        /// Key of the level; none takes it back.
        level: Option<String>,
    },
    /// Adds what supports points.
    AddEvidence {
        /// Who is rated.
        rated: RatedSubject,
        /// Key of the criterion.
        criterion: String,
        /// In words.
        text: String,
        /// The meeting that it is about.
        #[uniffi(default = None)]
        meeting: Option<String>,
        /// Id to use.
        #[uniffi(default = None)]
        id: Option<String>,
    },
}

impl RatingCommand {
    fn translate(&self, fresh: EntryId) -> Result<(Command, Option<EntryId>), HandbookError> {
        Ok(match self {
            Self::Score {
                rated,
                criterion,
                column,
                scorer,
                points,
            } => {
                let score = Command::Score {
                    rated: rated.read()?,
                    criterion: criterion.clone(),
                    column: *column,
                    scorer: parse(scorer, "scorer")?,
                    points: *points,
                };
                (score, None)
            }
            Self::Decide { rated, column, level } => {
                let decide = Command::Decide {
                    rated: rated.read()?,
                    column: *column,
                    level: level.clone(),
                };
                (decide, None)
            }
            Self::AddEvidence {
                rated,
                criterion,
                text,
                meeting,
                id,
            } => {
                let id = parse_opt(id.as_ref(), "id")?.unwrap_or(fresh);
                let evidence = Command::AddEvidence {
                    id,
                    rated: rated.read()?,
                    criterion: criterion.clone(),
                    text: Words::from(text.as_str()),
                    meeting: parse_opt(meeting.as_ref(), "meeting")?,
                };
                (evidence, Some(id))
            }
        })
    }
}

fn scale_view(scale: &rating::Scale) -> ScaleView {
    let mut criteria = Vec::new();
    flatten(&scale.criteria, 0, &mut criteria);
    ScaleView {
        criteria,
        levels: scale
            .levels
            .iter()
            .map(|level| LevelView {
                key: level.key.clone(),
                vi: level.vi.clone(),
                en: level.en.clone(),
                at_least: level.at_least,
            })
            .collect(),
        most: scale.most(),
    }
}

fn flatten(nodes: &[rating::Node], depth: u32, out: &mut Vec<CriterionView>) {
    for node in nodes {
        out.push(CriterionView {
            key: node.key.clone(),
            vi: node.vi.clone(),
            en: node.en.clone(),
            points: node.points,
            depth,
            leaf: node.is_leaf(),
        });
        flatten(&node.children, depth + 1, out);
    }
}

fn card_view(names: &dyn Names, card: &Card) -> RatingCardView {
    let points = |points: &Option<u32>| points.map(|points| points.to_string()).unwrap_or_default();
    let level = |level: &Option<String>| level.clone().unwrap_or_default();
    RatingCardView {
        rated: RatedSubject::of(card.rated),
        name: match card.rated {
            Rated::Branch => None,
            Rated::Member(id) => names.member(id).map(str::to_owned),
        },
        criteria: card
            .criteria
            .iter()
            .map(|leaf| LeafScoresView {
                criterion: leaf.criterion.clone(),
                most: leaf.most,
                points: leaf
                    .points
                    .iter()
                    .map(|one| ScorerPointsView {
                        column: one.column,
                        scorer: member(names, one.scorer),
                        points: one.points.value.flatten(),
                        contested: Contested::new(names).look("points", &one.points, points).found(),
                    })
                    .collect(),
                own: leaf.averages[0],
                committee: leaf.averages[1],
                parent: leaf.averages[2],
            })
            .collect(),
        columns: card
            .columns
            .iter()
            .map(|one| ColumnResultView {
                column: one.column,
                total: one.total,
                most: one.most,
                missing: one.missing,
                proposed: one.proposed.clone(),
                decided: one.decided.value.clone().flatten(),
                contested: Contested::new(names).look("decided", &one.decided, level).found(),
            })
            .collect(),
        evidence: card
            .evidence
            .iter()
            .map(|one| EvidenceView {
                id: one.id.to_string(),
                criterion: one.criterion.clone(),
                text: words(&one.text),
                meeting: one.meeting.map(|doc| doc.to_string()),
                mark: mark(names, &one.mark),
            })
            .collect(),
    }
}

#[uniffi::export]
impl Records {
    /// The criteria of a year: those in force on its last day.
    pub fn criteria(&self, year: i32) -> Result<CriteriaView, HandbookError> {
        ask(&self.engine, move |device, _| {
            let criteria = device.criteria(year).or_fault()?;
            Ok(CriteriaView {
                name: criteria.name.clone(),
                from: criteria.from.to_string(),
                branch: scale_view(&criteria.branch),
                member: scale_view(&criteria.member),
            })
        })
    }

    /// Everybody who was rated in a year. The committee only.
    pub fn ratings(&self, year: i32) -> Result<Vec<RatingCardView>, HandbookError> {
        ask(&self.engine, move |device, _| {
            let rating = device.rating(year).or_fault()?;
            let names = device.names();
            Ok(rating.cards.iter().map(|card| card_view(names, card)).collect())
        })
    }

    /// Carries out a command about the ratings of a year; gives the id of the evidence it added.
    pub fn change_rating(&self, year: i32, command: RatingCommand) -> Result<Option<String>, HandbookError> {
        ask(&self.engine, move |device, now| {
            let (command, added) = command.translate(device.fresh_id())?;
            device.rate(year, &command, now).or_fault()?;
            Ok(added.map(|id| id.to_string()))
        })
    }
}
