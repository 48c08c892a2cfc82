//! Who counts, what is enough, how points are given: data with a date, because it changes by law and by directive.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::date::Date;
use crate::directive::DirectiveError;
use crate::limits::{CRITERION_KEY_BYTES_MAX, POINTS_MAX};
use crate::roster::{Activity, RollLine, Standing};

/// The rules that hold from a day on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Name of the directive, as printed.
    pub name: String,
    /// First day on which it holds.
    pub from: Date,
    /// Minutes east of UTC of the wall clocks of the unit.
    pub utc_offset_minutes: i32,
    /// Whose activity obliges them to attend; the base of the attendance rate.
    pub must_attend: BTreeSet<Activity>,
    /// Whose standing lets them vote …
    pub voter_standings: BTreeSet<Standing>,
    /// … if their activity is one of these.
    pub voter_activities: BTreeSet<Activity>,
    /// What "more than half" is.
    pub majority: Threshold,
    /// What "two thirds" is.
    pub two_thirds: Threshold,
    /// Share of those who must attend without which a meeting does not count.
    pub quorum: Threshold,
    /// Shortest duration by number of members, smallest units first; the last has no upper bound.
    pub shortest_meeting: Vec<ShortestMeeting>,
    /// Minutes by which a phone's clock may be off before it is mentioned.
    pub clock_off_minutes: u32,
    /// Criteria by which a meeting is scored.
    pub criteria: Vec<Criterion>,
    /// Which directive counts when a unit and a body above it have each published one of a kind.
    pub precedence: Precedence,
}

/// What decides between the directives of several levels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precedence {
    /// The latest first day, whoever published it; on equal days the highest level.
    #[default]
    Date,
    /// The highest level that has published one, then the latest first day.
    Level,
}

/// A share that a count has to reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// Upper part of the share.
    pub numerator: u32,
    /// Lower part of the share.
    pub denominator: u32,
    /// "More than" instead of "at least".
    pub strictly_more: bool,
}

/// How long a meeting of a unit of this size lasts at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShortestMeeting {
    /// Members up to and including this number; `None` for every larger unit.
    pub members_up_to: Option<u32>,
    /// Minutes.
    pub minutes: u32,
}

/// One criterion of a meeting's score.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criterion {
    /// Stable key.
    pub key: String,
    /// Vietnamese name.
    pub vi: String,
    /// English name.
    pub en: String,
    /// Most points, in hundredths.
    pub points: u32,
}

/// Why bytes are not a policy. The fault is with whoever published them.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Not JSON of the known fields.
    #[error("not a policy: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A version this software does not know.
    #[error("unknown version {0} of the policy")]
    Version(u16),
    /// Its first day is no date.
    #[error("the first day of the policy is no date")]
    From,
    /// A share that is not between nought and one, a key used twice, points over the limit, or sizes out of order.
    #[error("the policy's field {0} makes no sense")]
    Nonsense(&'static str),
}

const VERSION: u16 = 1;
const SHIPPED: &str = include_str!("../data/policy-vn-1.json");
/// Longest difference between UTC and a wall clock, in minutes.
const OFFSET_MINUTES_MAX: i32 = 14 * 60;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(rename = "sotay", default)]
    _kind: String,
    version: u16,
    name: String,
    from: String,
    utc_offset_minutes: i32,
    must_attend: BTreeSet<Activity>,
    voters: VotersForm,
    thresholds: ThresholdsForm,
    quorum: Threshold,
    shortest_meeting: Vec<ShortestMeeting>,
    clock_off_minutes: u32,
    criteria: Vec<Criterion>,
    #[serde(default)]
    precedence: Precedence,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VotersForm {
    standings: BTreeSet<Standing>,
    activities: BTreeSet<Activity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ThresholdsForm {
    majority: Threshold,
    two_thirds: Threshold,
}

impl Policy {
    /// Reads a policy as a directive.
    pub(crate) fn directive(json: &str) -> Result<Self, DirectiveError> {
        Self::parse(json).map_err(|error| match error {
            PolicyError::Malformed(error) => error.into(),
            PolicyError::Version(version) => DirectiveError::Version(version),
            PolicyError::From => DirectiveError::Nonsense("from"),
            PolicyError::Nonsense(field) => DirectiveError::Nonsense(field),
        })
    }

    /// Reads a published policy.
    pub fn parse(json: &str) -> Result<Self, PolicyError> {
        let form: Form = serde_json::from_str(json)?;
        if form.version != VERSION {
            return Err(PolicyError::Version(form.version));
        }
        let policy = Self {
            name: form.name,
            from: form.from.parse().map_err(|_| PolicyError::From)?,
            utc_offset_minutes: form.utc_offset_minutes,
            must_attend: form.must_attend,
            voter_standings: form.voters.standings,
            voter_activities: form.voters.activities,
            majority: form.thresholds.majority,
            two_thirds: form.thresholds.two_thirds,
            quorum: form.quorum,
            shortest_meeting: form.shortest_meeting,
            clock_off_minutes: form.clock_off_minutes,
            criteria: form.criteria,
            precedence: form.precedence,
        };
        policy.check()?;
        Ok(policy)
    }

    /// The example that ships with the software, for units whose upper level has published none yet.
    pub fn shipped() -> Self {
        Self::parse(SHIPPED).expect("the shipped policy is tested")
    }

    fn check(&self) -> Result<(), PolicyError> {
        for threshold in [self.majority, self.two_thirds, self.quorum] {
            if threshold.denominator == 0 || threshold.numerator > threshold.denominator {
                return Err(PolicyError::Nonsense("thresholds"));
            }
        }
        if self.utc_offset_minutes.abs() > OFFSET_MINUTES_MAX {
            return Err(PolicyError::Nonsense("utc_offset_minutes"));
        }
        let keys: BTreeSet<&str> = self
            .criteria
            .iter()
            .map(|criterion| criterion.key.as_str())
            .collect();
        let key_ok = |key: &str| {
            (1..=CRITERION_KEY_BYTES_MAX).contains(&key.len())
                && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        };
        if keys.len() != self.criteria.len()
            || self
                .criteria
                .iter()
                .any(|criterion| criterion.points > POINTS_MAX || !key_ok(&criterion.key))
        {
            return Err(PolicyError::Nonsense("criteria"));
        }
        let sizes: Vec<u32> = self
            .shortest_meeting
            .iter()
            .map(|s| s.members_up_to.unwrap_or(u32::MAX))
            .collect();
        if !sizes.is_sorted() || sizes.last() != Some(&u32::MAX) {
            return Err(PolicyError::Nonsense("shortest_meeting"));
        }
        Ok(())
    }

    /// Is this line in the base of the attendance rate?
    pub fn must_attend(&self, line: &RollLine) -> bool {
        self.must_attend.contains(&line.activity)
    }

    /// May this person vote?
    pub fn votes(&self, line: &RollLine) -> bool {
        self.voter_standings.contains(&line.standing) && self.voter_activities.contains(&line.activity)
    }

    /// Minutes a meeting of a unit with so many members lasts at least.
    pub fn shortest_minutes(&self, members: u32) -> u32 {
        let fits = |rule: &&ShortestMeeting| rule.members_up_to.is_none_or(|most| members <= most);
        self.shortest_meeting
            .iter()
            .find(fits)
            .map_or(0, |rule| rule.minutes)
    }
}

impl Threshold {
    /// Is `part` of `base` enough?
    pub fn reached(self, part: u32, base: u32) -> bool {
        let have = u64::from(part) * u64::from(self.denominator);
        let need = u64::from(base) * u64::from(self.numerator);
        if self.strictly_more {
            have > need
        } else {
            have >= need
        }
    }

    /// The smallest count that is enough.
    pub fn least(self, base: u32) -> u32 {
        let need = u64::from(base) * u64::from(self.numerator);
        let denominator = u64::from(self.denominator);
        let least = if self.strictly_more {
            need / denominator + 1
        } else {
            need.div_ceil(denominator)
        };
        u32::try_from(least).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_thirty_eight_voters_twenty_are_a_majority_and_twenty_six_two_thirds() {
        let policy = Policy::shipped();
        assert_eq!((policy.majority.least(38), policy.two_thirds.least(38)), (20, 26));
        for (threshold, least) in [(policy.majority, 20), (policy.two_thirds, 26)] {
            assert!(threshold.reached(least, 38) && !threshold.reached(least - 1, 38));
        }
    }

    #[test]
    fn larger_units_meet_longer() {
        let policy = Policy::shipped();
        assert_eq!(
            [30, 31, 42].map(|members| policy.shortest_minutes(members)),
            [90, 120, 120]
        );
    }

    #[test]
    fn a_policy_with_an_unknown_field_version_or_share_is_refused_by_name() {
        let with = |from: &str, to: &str| Policy::parse(&SHIPPED.replacen(from, to, 1));
        assert!(matches!(
            with("\"name\"", "\"nam\""),
            Err(PolicyError::Malformed(_))
        ));
        assert!(matches!(
            with("\"version\": 1", "\"version\": 2"),
            Err(PolicyError::Version(2))
        ));
        assert!(matches!(with("2025-01-01", "01/01/2025"), Err(PolicyError::From)));
        assert!(matches!(
            with("\"denominator\": 2", "\"denominator\": 0"),
            Err(PolicyError::Nonsense("thresholds"))
        ));
        assert!(matches!(
            with("420", "841"),
            Err(PolicyError::Nonsense("utc_offset_minutes"))
        ));
        assert!(matches!(
            with("\"content\"", "\"preparation\""),
            Err(PolicyError::Nonsense("criteria"))
        ));
        assert!(matches!(
            with("null", "10"),
            Err(PolicyError::Nonsense("shortest_meeting"))
        ));
    }

    #[test]
    fn points_and_keys_one_over_their_limits_are_refused() {
        let over = SHIPPED.replacen("\"points\": 2000", &format!("\"points\": {}", POINTS_MAX + 1), 1);
        assert!(matches!(
            Policy::parse(&over),
            Err(PolicyError::Nonsense("criteria"))
        ));
        let key = |len: usize| SHIPPED.replacen("\"content\"", &format!("\"{}\"", "k".repeat(len)), 1);
        assert!(Policy::parse(&key(CRITERION_KEY_BYTES_MAX)).is_ok());
        assert!(matches!(
            Policy::parse(&key(CRITERION_KEY_BYTES_MAX + 1)),
            Err(PolicyError::Nonsense("criteria"))
        ));
        let fits = SHIPPED.replacen("\"points\": 2000", &format!("\"points\": {POINTS_MAX}"), 1);
        assert!(Policy::parse(&fits).is_ok());
    }
}
