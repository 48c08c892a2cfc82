//! What the templates show, ready to be shown.

use askama::Template;
use serde_json::Value;

use super::words::{Lang, Words};
use super::{Web, Why};
use crate::commands::is_of_interest;
use crate::contacts::{DAY_MS, Far};
use crate::qr::Qr;

/// Hours of the plot.
const HOURS: i64 = 24;
/// Width of an hour and height of the plot, in its own units.
const BAR: u32 = 24;
const HEIGHT: u32 = 120;
const HOUR_MS: i64 = 3_600_000;
/// Digits of an id that are shown.
const SHORT: usize = 8;

/// What every page has.
pub(super) struct Frame {
    pub lang: &'static str,
    pub words: &'static Words,
    /// Query of the link to the other language.
    pub path: String,
    pub signed_in: bool,
}

impl Frame {
    fn new(lang: Lang, path: String, signed_in: bool) -> Self {
        Self {
            lang: lang.code(),
            words: lang.words(),
            path,
            signed_in,
        }
    }
}

#[derive(Template)]
#[template(path = "sign-in.html")]
pub(super) struct SignIn {
    frame: Frame,
    /// Whether the configuration has a token.
    token: bool,
    /// What was wrong with the last attempt.
    wrong: Option<&'static str>,
}

impl SignIn {
    pub fn new(lang: Lang, token: bool, why: Option<Why>) -> Self {
        let frame = Frame::new(lang, String::new(), false);
        let words = frame.words;
        let wrong = why.map(|why| match why {
            Why::LinkOver => words.link_over,
            Why::WrongToken => words.token_wrong,
            Why::Wait => words.token_wait,
        });
        Self { frame, token, wrong }
    }
}

#[derive(Template)]
#[template(path = "gone.html")]
pub(super) struct Gone {
    frame: Frame,
    title: &'static str,
    how: &'static str,
}

impl Gone {
    pub fn new(lang: Lang) -> Self {
        let words = lang.words();
        Self {
            frame: Frame::new(lang, String::new(), false),
            title: words.gone,
            how: words.gone_how,
        }
    }

    /// It may be there, but what says so cannot be read.
    pub fn for_now(lang: Lang) -> Self {
        let words = lang.words();
        Self {
            title: words.unread,
            how: words.unread_how,
            ..Self::new(lang)
        }
    }
}

/// How a unit is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Doing {
    Is(Far),
    Unserved,
}

impl Doing {
    fn of(unit: &Value, now: i64) -> Self {
        let seen = unit["seen"].as_i64().unwrap_or(0);
        if unit["served"] == false {
            Doing::Unserved
        } else {
            Doing::Is(Far::of(seen, unit["behind"].as_u64().unwrap_or(0), now))
        }
    }

    fn class(self) -> &'static str {
        match self {
            Doing::Is(Far::Silent) => "silent",
            Doing::Is(Far::Behind) => "behind",
            Doing::Is(Far::UpToDate) => "good",
            Doing::Unserved => "unserved",
        }
    }

    fn word(self, words: &'static Words) -> &'static str {
        match self {
            Doing::Is(Far::Silent) => words.silent_short,
            Doing::Is(Far::Behind) => words.behind,
            Doing::Is(Far::UpToDate) => words.up_to_date,
            Doing::Unserved => words.unserved,
        }
    }
}

struct UnitLine {
    id: String,
    short: String,
    class: &'static str,
    state: &'static str,
    phones: String,
    contact: String,
    size: String,
}

/// One hour of the plot; heights from the bottom up.
struct Bar {
    x: u32,
    good_y: u32,
    good: u32,
    fair_y: u32,
    fair: u32,
    poor_y: u32,
    poor: u32,
}

#[derive(Template)]
#[template(path = "overview.html")]
pub(super) struct Overview {
    frame: Frame,
    trouble: Option<&'static str>,
    up_to_date: usize,
    behind: usize,
    silent: usize,
    sessions: i64,
    database: String,
    disk: String,
    bars: Vec<Bar>,
    plot_width: u32,
    plot_height: u32,
    satisfied: u32,
    tolerated: u32,
    frustrated: u32,
    refusals: Vec<(&'static str, u64)>,
    /// What is counted is in memory: said while it is younger than what the page speaks of.
    counted: Option<String>,
    units: Vec<UnitLine>,
    /// The database did not answer.
    unread: bool,
    phones: Vec<String>,
    code: String,
    code_width: usize,
}

impl Overview {
    pub fn new(lang: Lang, web: &Web, answer: Option<&Value>, now: i64) -> Self {
        let words = lang.words();
        let mut units: Vec<(Doing, &Value)> = answer
            .and_then(|answer| answer["units"].as_array())
            .into_iter()
            .flatten()
            .map(|unit| (Doing::of(unit, now), unit))
            .collect();
        units.sort_by_key(|(doing, unit)| (*doing, unit["seen"].as_i64()));
        let count = |what: Doing| units.iter().filter(|(doing, _)| *doing == what).count();
        let metrics = &web.pages.metrics;
        let hours = metrics.history.syncs(HOURS, now);
        let sum = |of: fn(&crate::history::Hour) -> u32| hours.iter().map(of).fold(0, u32::saturating_add);
        let mut refusals: Vec<(&'static str, u64)> = Vec::new();
        for (reason, count) in metrics.history.refusals(HOURS, now) {
            let sentence = words.refusal(reason);
            match refusals.iter_mut().find(|(known, _)| *known == sentence) {
                Some((_, sum)) => *sum += count,
                None => refusals.push((sentence, count)),
            }
        }
        let code = web.pages.phones.first().and_then(|line| Qr::of(line));
        Self {
            unread: answer.is_none(),
            phones: web.pages.phones.to_vec(),
            code_width: code.as_ref().map_or(0, Qr::width),
            code: code.map_or_else(String::new, |code| code.path()),
            frame: Frame::new(lang, String::new(), true),
            trouble: web
                .pages
                .health
                .trouble()
                .map(|trouble| words.trouble(trouble.words())),
            up_to_date: count(Doing::Is(Far::UpToDate)),
            behind: count(Doing::Is(Far::Behind)),
            silent: count(Doing::Is(Far::Silent)),
            sessions: metrics.sessions.get(),
            database: size(metrics.database_bytes()),
            disk: size(metrics.disk_free_bytes().unwrap_or(0)),
            bars: bars(&hours),
            plot_width: BAR * HOURS as u32,
            plot_height: HEIGHT,
            satisfied: sum(|hour| hour.satisfied),
            tolerated: sum(|hour| hour.tolerated),
            frustrated: sum(|hour| hour.frustrated),
            refusals,
            counted: counted(words, now.saturating_sub(web.pages.started)),
            units: units
                .iter()
                .map(|(doing, unit)| line(*doing, unit, words, now))
                .collect(),
        }
    }
}

fn line(doing: Doing, unit: &Value, words: &'static Words, now: i64) -> UnitLine {
    let id = unit["unit"].as_str().unwrap_or_default().to_owned();
    UnitLine {
        short: short(&id),
        id,
        class: doing.class(),
        state: doing.word(words),
        phones: format!("{} / {} / {}", unit["up_to_date"], unit["behind"], unit["silent"]),
        contact: ago(unit["seen"].as_i64(), words, now),
        size: match unit["dropped_bytes"].as_u64().unwrap_or(0) {
            0 => size(unit["bytes"].as_u64().unwrap_or(0)),
            // In brackets what was dropped as covers allow.
            dropped => format!(
                "{} (−{})",
                size(unit["bytes"].as_u64().unwrap_or(0)),
                size(dropped)
            ),
        },
    }
}

fn bars(hours: &[crate::history::Hour]) -> Vec<Bar> {
    let most = hours
        .iter()
        .map(crate::history::Hour::total)
        .max()
        .unwrap_or(0)
        .max(1);
    let height = |count: u32| (u64::from(count) * u64::from(HEIGHT)).div_ceil(u64::from(most)) as u32;
    (0u32..)
        .zip(hours)
        .map(|(place, hour)| {
            let (good, fair) = (height(hour.satisfied), height(hour.tolerated));
            let poor = height(hour.frustrated);
            // Rounding up shows a single slow sync; the sum may then be two units too high.
            let good_y = HEIGHT.saturating_sub(good);
            let fair_y = good_y.saturating_sub(fair);
            Bar {
                x: place * BAR,
                good_y,
                good,
                fair_y,
                fair,
                poor_y: fair_y.saturating_sub(poor),
                poor,
            }
        })
        .collect()
}

struct DeviceLine {
    short: String,
    rank: &'static str,
    class: &'static str,
    state: String,
    seen: String,
    whole: String,
}

struct SpaceLine {
    kind: String,
    envelopes: u64,
    size: String,
    percent: u64,
}

#[derive(Template)]
#[template(path = "unit.html")]
pub(super) struct Unit {
    frame: Frame,
    id: String,
    devices: Vec<DeviceLine>,
    /// Those that are not worth a line.
    others: usize,
    spaces: Vec<SpaceLine>,
}

impl Unit {
    pub fn new(lang: Lang, devices: &Value, spaces: &Value, now: i64) -> Self {
        let words = lang.words();
        let id = devices["unit"].as_str().unwrap_or_default().to_owned();
        let device = |device: &Value| {
            let state = device["state"].as_str().unwrap_or("not-granted");
            let blocked = device["blocked"] == true;
            DeviceLine {
                short: device["device"].as_str().unwrap_or_default().to_owned(),
                rank: words.rank(device["rank"].as_u64()),
                class: if blocked || state != "active" {
                    "silent"
                } else {
                    "good"
                },
                state: if blocked {
                    words.blocked.to_owned()
                } else {
                    words.named(state)
                },
                seen: ago(device["seen"].as_i64(), words, now),
                whole: ago(device["whole"].as_i64(), words, now),
            }
        };
        let space = |space: &Value| {
            let (bytes, most) = (
                space["bytes"].as_u64().unwrap_or(0),
                space["bytes_max"].as_u64().unwrap_or(0),
            );
            SpaceLine {
                kind: words.named(space["kind"].as_str().unwrap_or_default()),
                envelopes: space["envelopes"].as_u64().unwrap_or(0),
                size: size(bytes),
                percent: (bytes * 100).checked_div(most).unwrap_or(0).min(100),
            }
        };
        let all = devices["devices"].as_array().into_iter().flatten();
        let (mut shown, others): (Vec<&Value>, Vec<&Value>) = all.partition(|device| is_of_interest(device));
        // Who was here last stands first.
        shown.sort_by_key(|device| std::cmp::Reverse(device["seen"].as_i64()));
        Self {
            frame: Frame::new(lang, format!("/unit/{id}"), true),
            devices: shown.into_iter().map(device).collect(),
            others: others.len(),
            spaces: spaces["spaces"]
                .as_array()
                .into_iter()
                .flatten()
                .map(space)
                .collect(),
            id,
        }
    }
}

/// Since when is counted, if not for all the hours that the page speaks of.
fn counted(words: &'static Words, for_ms: i64) -> Option<String> {
    let hours = for_ms.max(0) / HOUR_MS;
    (hours < HOURS).then(|| words.counted(hours))
}

fn short(id: &str) -> String {
    id.get(..SHORT).unwrap_or(id).to_owned()
}

fn ago(at: Option<i64>, words: &'static Words, now: i64) -> String {
    match at {
        None | Some(0) => words.never.to_owned(),
        Some(at) => words.days(now.saturating_sub(at).max(0) / DAY_MS),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        10_000_000..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contacts::SILENT_DAYS;
    use crate::history::Hour;

    #[test]
    fn a_unit_is_silent_before_it_is_behind_and_behind_before_it_is_up_to_date() {
        let now = 1000 * DAY_MS;
        let unit = |seen: i64, behind: u64, served: bool| {
            Doing::of(
                &serde_json::json!({ "seen": seen, "behind": behind, "served": served }),
                now,
            )
        };
        assert_eq!(unit(0, 1, true), Doing::Is(Far::Silent));
        assert_eq!(unit(now - SILENT_DAYS * DAY_MS, 1, true), Doing::Is(Far::Behind));
        assert_eq!(
            unit(now - SILENT_DAYS * DAY_MS - 1, 0, true),
            Doing::Is(Far::Silent)
        );
        assert_eq!(unit(now, 0, true), Doing::Is(Far::UpToDate));
        assert_eq!(unit(now, 0, false), Doing::Unserved);
    }

    #[test]
    fn the_highest_bar_fills_the_plot_and_one_slow_sync_is_seen() {
        let hours = [
            Hour {
                satisfied: 10_000,
                tolerated: 0,
                frustrated: 1,
            },
            Hour::default(),
        ];
        let bars = bars(&hours);
        assert_eq!((bars[0].good, bars[0].poor), (HEIGHT, 1));
        assert_eq!((bars[1].good, bars[1].poor, bars[1].x), (0, 0, BAR));
    }

    #[test]
    fn a_relay_that_counts_for_less_than_a_day_says_so() {
        let said = |for_ms| counted(Lang::En.words(), for_ms);
        assert_eq!(
            said(HOUR_MS - 1).as_deref(),
            Some("Counted since the relay started, less than an hour ago.")
        );
        assert_eq!(
            said(HOURS * HOUR_MS - 1).as_deref(),
            Some("Counted since the relay started, 23 hours ago.")
        );
        assert_eq!(said(HOURS * HOUR_MS), None);
        assert_eq!(said(-1), said(0), "a clock that was set back");
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!(size(9_999), "9999 B");
        assert_eq!(size(10_000), "10 kB");
        assert_eq!(size(123_456_789), "123 MB");
        assert_eq!(size(50_000_000_000), "50 GB");
    }
}
