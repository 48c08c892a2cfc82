//! The criteria tree of ratings, and the thresholds of its levels: data with a date.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::date::Date;
use crate::directive::{DirectiveError, parsed};
use crate::limits::{CRITERIA_MAX, CRITERION_KEY_BYTES_MAX, POINTS_MAX};

const SHIPPED: &str = include_str!("../../data/criteria-vn-1.json");
/// How deep a tree may be.
const DEPTH_MAX: usize = 6;

/// Criteria of the branch and of members, in force from a day on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criteria {
    /// Name of the directive, as printed.
    pub name: String,
    /// First day.
    pub from: Date,
    /// For the branch.
    pub branch: Scale,
    /// For each member.
    pub member: Scale,
}

/// A tree of criteria and its levels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// The roots of the tree.
    pub criteria: Vec<Node>,
    /// Levels, best first.
    pub levels: Vec<Level>,
}

/// A criterion: with points, or with criteria below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Stable key, used once in the tree.
    pub key: String,
    /// Vietnamese name.
    pub vi: String,
    /// English name.
    pub en: String,
    /// Most points, in hundredths; only without criteria below.
    #[serde(default)]
    pub points: u32,
    /// Criteria below.
    #[serde(default)]
    pub children: Vec<Node>,
}

/// A level and the share of all points from which it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Stable key.
    pub key: String,
    /// Vietnamese name.
    pub vi: String,
    /// English name.
    pub en: String,
    /// Hundredths of a percent of the points that can be reached.
    pub at_least: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(rename = "sotay")]
    _kind: String,
    version: u16,
    name: String,
    from: Date,
    branch: Scale,
    member: Scale,
}

impl Criteria {
    /// Reads a published tree.
    pub fn parse(json: &str) -> Result<Self, DirectiveError> {
        let form: Form = parsed(json)?;
        if form.version != 1 {
            return Err(DirectiveError::Version(form.version));
        }
        form.branch.check("branch")?;
        form.member.check("member")?;
        Ok(Self {
            name: form.name,
            from: form.from,
            branch: form.branch,
            member: form.member,
        })
    }

    /// The tree that ships with the software as an example.
    pub fn shipped() -> Self {
        Self::parse(SHIPPED).expect("the shipped criteria are tested")
    }
}

impl Node {
    /// Is there nothing below it?
    pub fn is_leaf(&self) -> bool {
        self.children.is_empty()
    }

    /// Most points, in hundredths: its own, or those of what is below.
    pub fn most(&self) -> u32 {
        if self.is_leaf() {
            self.points
        } else {
            self.children.iter().map(Node::most).sum()
        }
    }
}

impl Scale {
    /// Criteria that are scored, in order.
    pub fn leaves(&self) -> Vec<&Node> {
        fn walk<'a>(nodes: &'a [Node], out: &mut Vec<&'a Node>) {
            for node in nodes {
                if node.is_leaf() {
                    out.push(node);
                }
                walk(&node.children, out);
            }
        }
        let mut out = Vec::new();
        walk(&self.criteria, &mut out);
        out
    }

    /// All points that can be reached, in hundredths.
    pub fn most(&self) -> u32 {
        self.criteria.iter().map(Node::most).sum()
    }

    /// The best level that so many points reach.
    pub fn level(&self, points: u32) -> Option<&Level> {
        let most = u64::from(self.most());
        self.levels
            .iter()
            .find(|level| u64::from(points) * 10_000 >= u64::from(level.at_least) * most)
    }

    fn check(&self, name: &'static str) -> Result<(), DirectiveError> {
        fn walk(
            nodes: &[Node],
            depth: usize,
            keys: &mut BTreeSet<String>,
            points: &mut u64,
        ) -> Result<(), ()> {
            for node in nodes {
                let key_ok = (1..=CRITERION_KEY_BYTES_MAX).contains(&node.key.len())
                    && node.key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
                let points_ok = (node.is_leaf() && (1..=POINTS_MAX).contains(&node.points))
                    || (!node.is_leaf() && node.points == 0);
                if !key_ok || !points_ok || depth >= DEPTH_MAX || !keys.insert(node.key.clone()) {
                    return Err(());
                }
                *points += u64::from(node.points);
                walk(&node.children, depth + 1, keys, points)?;
            }
            Ok(())
        }
        let (mut keys, mut points) = (BTreeSet::new(), 0);
        let tree = walk(&self.criteria, 0, &mut keys, &mut points);
        let fits = (1..=CRITERIA_MAX).contains(&keys.len()) && points <= u64::from(u32::MAX);
        let shares: Vec<u32> = self.levels.iter().map(|level| level.at_least).collect();
        let levels = shares.windows(2).all(|two| two[0] > two[1])
            && shares.first().is_some_and(|most| *most <= 10_000)
            && shares.last() == Some(&0);
        if tree.is_ok() && fits && levels {
            Ok(())
        } else {
            Err(DirectiveError::Nonsense(name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_of_the_tree_add_up_and_give_levels() {
        let criteria = Criteria::shipped();
        assert_eq!((criteria.branch.most(), criteria.member.most()), (10_000, 10_000));
        assert_eq!(criteria.branch.leaves().len(), 9);
        let level = |points| criteria.branch.level(points).unwrap().key.as_str();
        assert_eq!(
            [
                level(10_000),
                level(9_000),
                level(8_999),
                level(7_000),
                level(4_999),
                level(0)
            ],
            ["excellent", "excellent", "good", "good", "poor", "poor"]
        );
    }

    #[test]
    fn keys_used_twice_points_over_the_limit_and_levels_out_of_order_are_refused() {
        let with = |from: &str, to: &str| Criteria::parse(&SHIPPED.replacen(from, to, 1));
        assert_eq!(
            with("\"economy\"", "\"plan\""),
            Err(DirectiveError::Nonsense("branch"))
        );
        let points = |points: u32| with("\"points\": 1500", &format!("\"points\": {points}"));
        assert!(points(POINTS_MAX).is_ok());
        assert_eq!(points(POINTS_MAX + 1), Err(DirectiveError::Nonsense("branch")));
        assert_eq!(points(0), Err(DirectiveError::Nonsense("branch")));
        assert_eq!(
            with("\"at_least\": 9000", "\"at_least\": 6000"),
            Err(DirectiveError::Nonsense("branch"))
        );
        let key = |len: usize| with("\"plan\"", &format!("\"{}\"", "k".repeat(len)));
        assert!(key(CRITERION_KEY_BYTES_MAX).is_ok());
        assert_eq!(
            key(CRITERION_KEY_BYTES_MAX + 1),
            Err(DirectiveError::Nonsense("branch"))
        );
    }

    #[test]
    fn a_tree_one_criterion_over_the_limit_is_refused() {
        let tree = |count: usize| {
            // Keys are letters: a number in base 26.
            let name = |n: usize| {
                ['a', 'b', 'c']
                    .iter()
                    .zip([676, 26, 1])
                    .map(|(_, base)| char::from(b'a' + (n / base % 26) as u8))
                    .collect::<String>()
            };
            let nodes: Vec<String> = (0..count)
                .map(|n| format!(r#"{{"key":"{}","vi":"v","en":"e","points":1}}"#, name(n)))
                .collect();
            let scale = format!(
                r#"{{"criteria":[{}],"levels":[{{"key":"l","vi":"v","en":"e","at_least":0}}]}}"#,
                nodes.join(",")
            );
            format!(
                r#"{{"sotay":"criteria","version":1,"name":"n","from":"2025-01-01","branch":{scale},"member":{}}}"#,
                r#"{"criteria":[{"key":"a","vi":"v","en":"e","points":1}],"levels":[{"key":"l","vi":"v","en":"e","at_least":0}]}"#
            )
        };
        assert!(Criteria::parse(&tree(CRITERIA_MAX)).is_ok());
        assert_eq!(
            Criteria::parse(&tree(CRITERIA_MAX + 1)),
            Err(DirectiveError::Nonsense("branch"))
        );
    }
}
