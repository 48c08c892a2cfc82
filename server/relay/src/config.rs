//! The configuration file. Whatever is wrong with it is told with file, line and key, and nothing is served.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sotay_feed::limits::{ENVELOPE_BYTES_MAX, FRAME_BYTES_MAX};
use sotay_postgres::Target;
use toml::Spanned;

use crate::cli::Allow;
use crate::limits::Limits;
use crate::permissions::Served;
use crate::prune::Retention;
use crate::web::door::{PAGE_TOKEN_CHARS_MIN, PageToken};

/// Bytes of a configuration file; a longer one is not read.
pub(crate) const CONFIG_BYTES_MAX: u64 = 1024 * 1024;

/// Days that `prune-after` may say.
pub(crate) const PRUNE_AFTER_DAYS_MAX: i64 = 3650;

/// What the shipped sample shows in the place of a token.
const PAGE_TOKEN_EXAMPLE: &str = "an example: choose your own";

/// Why a configuration cannot be used. The operator's to mend.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("{path}: cannot be read: {error}")]
    Io { path: PathBuf, error: std::io::Error },
    #[error("{path}: longer than {CONFIG_BYTES_MAX} bytes")]
    TooLong { path: PathBuf },
    #[error("{path}, line {line}, {key}: {problem}")]
    Line {
        path: PathBuf,
        line: usize,
        key: String,
        problem: String,
    },
}

/// What a configuration says; what it leaves out is left to the command line and the defaults.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Config {
    pub data: Option<PathBuf>,
    pub listen: Option<SocketAddr>,
    pub http: Option<SocketAddr>,
    pub public: Option<String>,
    /// Whether phones are served over TCP as well.
    pub tcp: Option<bool>,
    /// What opens the operator's page beside one-time links.
    pub page_token: Option<PageToken>,
    /// The database server; `None`: a file in the data directory.
    pub store: Option<Target>,
    /// What to serve; `None` inside means any.
    pub allow: Option<Option<Served>>,
    pub log_json: bool,
    pub limits: Limits,
    pub retention: Retention,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct File {
    data: Option<PathBuf>,
    listen: Option<Spanned<String>>,
    http: Option<Spanned<String>>,
    public: Option<Spanned<String>>,
    tcp: Option<bool>,
    page_token: Option<Spanned<String>>,
    store: Option<Spanned<String>>,
    allow: Option<Vec<Spanned<String>>>,
    log: Option<Spanned<String>>,
    limits: FileLimits,
    retention: FileRetention,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct FileRetention {
    prune: Option<Spanned<String>>,
    prune_after: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct FileLimits {
    sessions: Option<Spanned<u64>>,
    sessions_per_device: Option<Spanned<u64>>,
    handshakes_retry_above: Option<Spanned<u64>>,
    handshakes_refuse_above: Option<Spanned<u64>>,
    session_waiting_bytes: Option<Spanned<u64>>,
    waiting_bytes: Option<Spanned<u64>>,
    outgoing_bytes: Option<Spanned<u64>>,
    envelopes_per_hour: Option<Spanned<u64>>,
    envelopes_at_once: Option<Spanned<u64>>,
    bytes_per_day: Option<Spanned<u64>>,
    space_bytes: Option<Spanned<u64>>,
    new_devices_per_day: Option<Spanned<u64>>,
    database_bytes: Option<Spanned<u64>>,
}

/// Reads and checks a file.
pub(crate) fn read(path: &Path) -> Result<Config, ConfigError> {
    let io = |error| ConfigError::Io {
        path: path.to_owned(),
        error,
    };
    if std::fs::metadata(path).map_err(io)?.len() > CONFIG_BYTES_MAX {
        return Err(ConfigError::TooLong {
            path: path.to_owned(),
        });
    }
    let text = std::fs::read_to_string(path).map_err(io)?;
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<Config, ConfigError> {
    let fault = |at: usize, problem: String| {
        let (line, key) = place(text, at);
        ConfigError::Line {
            path: path.to_owned(),
            line,
            key,
            problem,
        }
    };
    let file: File = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        fault(at, in_words(error.message()))
    })?;
    let address = |value: &Option<Spanned<String>>| {
        let Some(value) = value else { return Ok(None) };
        let parsed = value.get_ref().parse().map(Some);
        parsed.map_err(|_| {
            fault(
                value.span().start,
                "an IP address and a port is expected, like 0.0.0.0:7843".into(),
            )
        })
    };
    let store = match &file.store {
        Some(value) if value.get_ref() != "sqlite" => {
            let target = value.get_ref().parse::<Target>();
            Some(target.map_err(|error| fault(value.span().start, error.to_string()))?)
        }
        _ => None,
    };
    let mut allow = None;
    for value in file.allow.iter().flatten() {
        let named: Allow = value.get_ref().parse().map_err(|_| {
            fault(
                value.span().start,
                "the 64 hexadecimal digits of a unit are expected, \"root:\" and those of a root, or \"any\""
                    .into(),
            )
        })?;
        named.add_to(allow.get_or_insert(Some(Served::default())));
    }
    let log_json = match &file.log {
        None => false,
        Some(value) => match value.get_ref().as_str() {
            "text" => false,
            "json" => true,
            _ => {
                return Err(fault(
                    value.span().start,
                    "\"text\" or \"json\" is expected".into(),
                ));
            }
        },
    };
    let public = match &file.public {
        None => None,
        Some(value) => {
            let host = sotay_net::parse_host(value.get_ref());
            let problem = || "a DNS name or an IP address without port is expected".into();
            Some(host.map_err(|_| fault(value.span().start, problem()))?)
        }
    };
    let page_token = match &file.page_token {
        None => None,
        Some(value) if value.get_ref() == PAGE_TOKEN_EXAMPLE => {
            let problem = "this one stands in the sample, where everybody can read it: choose your own";
            return Err(fault(value.span().start, problem.into()));
        }
        Some(value) => Some(PageToken::new(value.get_ref()).ok_or_else(|| {
            let problem = format!("at least {PAGE_TOKEN_CHARS_MIN} characters are expected");
            fault(value.span().start, problem)
        })?),
    };
    let mut limits = Limits::default();
    for (value, range, set) in file.limits.entries() {
        let Some(value) = value else { continue };
        let number = *value.get_ref();
        if !range.contains(&number) {
            let problem = format!("{number} is not between {} and {}", range.start(), range.end());
            return Err(fault(value.span().start, problem));
        }
        set(&mut limits, number);
    }
    let mut retention = Retention::default();
    if let Some(value) = &file.retention.prune {
        retention.signed = match value.get_ref().as_str() {
            "never" => false,
            "signed" => true,
            _ => {
                let problem = "\"never\" or \"signed\" is expected".into();
                return Err(fault(value.span().start, problem));
            }
        };
    }
    if let Some(value) = &file.retention.prune_after {
        retention.after_ms = time(value.get_ref()).ok_or_else(|| {
            let problem =
                format!("days or hours are expected, like 90d or 12h, at most {PRUNE_AFTER_DAYS_MAX}d");
            fault(value.span().start, problem)
        })?;
    }
    Ok(Config {
        store,
        data: file.data.clone(),
        listen: address(&file.listen)?,
        http: address(&file.http)?,
        public,
        tcp: file.tcp,
        page_token,
        allow,
        log_json,
        limits,
        retention,
    })
}

/// What the parser says, without the names of a program's types.
fn in_words(message: &str) -> String {
    let mut words = message.to_owned();
    for (of_program, of_people) in [
        (" as i128", ""),
        ("expected u64", "expected a whole number from 0 on"),
        ("expected u32", "expected a whole number from 0 on"),
        ("expected a boolean", "expected true or false"),
        ("expected struct ", "expected a table "),
        ("expected a sequence", "expected a list in [ ]"),
    ] {
        words = words.replace(of_program, of_people);
    }
    words
}

/// Milliseconds of a time like `90d` or `12h`.
fn time(text: &str) -> Option<i64> {
    const HOUR_MS: i64 = 3_600_000;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "h" => HOUR_MS,
        "d" => 24 * HOUR_MS,
        _ => return None,
    };
    let number: i64 = Some(number)
        .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))?
        .parse()
        .ok()?;
    let time = number.checked_mul(unit)?;
    (time <= PRUNE_AFTER_DAYS_MAX * 24 * HOUR_MS).then_some(time)
}

type Entry<'a> = (
    &'a Option<Spanned<u64>>,
    RangeInclusive<u64>,
    fn(&mut Limits, u64),
);

impl FileLimits {
    /// Each with what is sensible. The ranges fit the types of the fields.
    fn entries(&self) -> [Entry<'_>; 13] {
        const FRAME: u64 = FRAME_BYTES_MAX as u64 + 1024;
        const ENVELOPE: u64 = ENVELOPE_BYTES_MAX as u64;
        const GIB: u64 = 1 << 30;
        [
            (&self.sessions, 1..=1_000_000, |limits, n| {
                limits.sessions = n as usize
            }),
            (&self.sessions_per_device, 1..=64, |limits, n| {
                limits.sessions_per_device = n as usize;
            }),
            (&self.handshakes_retry_above, 0..=1_000_000, |limits, n| {
                limits.handshakes_retry_above = n as usize;
            }),
            (&self.handshakes_refuse_above, 1..=1_000_000, |limits, n| {
                limits.handshakes_refuse_above = n as usize;
            }),
            (&self.session_waiting_bytes, FRAME..=16 << 20, |limits, n| {
                limits.session_waiting_bytes = n as usize;
            }),
            (&self.waiting_bytes, FRAME..=16 * GIB, |limits, n| {
                limits.waiting_bytes = n as usize
            }),
            (&self.outgoing_bytes, FRAME..=64 * GIB, |limits, n| {
                limits.outgoing_bytes = n as usize
            }),
            (&self.envelopes_per_hour, 1..=1_000_000, |limits, n| {
                limits.envelopes_per_hour = n as u32
            }),
            (&self.envelopes_at_once, 1..=10_000_000, |limits, n| {
                limits.envelopes_at_once = n as u32
            }),
            (&self.bytes_per_day, ENVELOPE..=1024 * GIB, |limits, n| {
                limits.bytes_per_day = n
            }),
            (&self.space_bytes, ENVELOPE..=1024 * GIB, |limits, n| {
                limits.space_bytes = n
            }),
            (&self.new_devices_per_day, 1..=1_000_000, |limits, n| {
                limits.new_devices_per_day = n as u32
            }),
            (&self.database_bytes, 1 << 20..=1 << 46, |limits, n| {
                limits.database_bytes = Some(n)
            }),
        ]
    }
}

/// Line (from 1) and key at a byte of the text.
fn place(text: &str, at: usize) -> (usize, String) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let words = text.lines().nth(line - 1).unwrap_or_default();
    let key = words.split('=').next().unwrap_or_default().trim();
    let table = before
        .lines()
        .rev()
        .filter(|line| !std::ptr::eq(*line, words))
        .find_map(|line| line.trim().strip_prefix('[')?.strip_suffix(']'));
    let key = match table {
        Some(table) if !key.starts_with('[') => format!("{table}.{key}"),
        _ => key.to_owned(),
    };
    (line, key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        parse(Path::new("relay.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn an_empty_file_is_the_defaults() {
        assert_eq!(parse(Path::new("relay.toml"), "").unwrap(), Config::default());
    }

    #[test]
    fn the_sample_that_is_shipped_is_a_valid_configuration_and_says_the_defaults() {
        let sample = include_str!("../packaging/relay.toml");
        let config = parse(Path::new("relay.toml"), sample).unwrap();
        assert_eq!(config.limits, Limits::default());
        assert_eq!(config.retention, Retention::default());
        // Every line that is commented out would be valid as well.
        let whole: String = sample
            .lines()
            .map(|line| line.strip_prefix("#= ").unwrap_or(line).to_owned() + "\n")
            .collect();
        let whole = whole.replace(PAGE_TOKEN_EXAMPLE, "one of our own, long enough");
        let config = parse(Path::new("relay.toml"), &whole).unwrap();
        assert_eq!(
            Limits {
                database_bytes: None,
                ..config.limits
            },
            Limits::default()
        );
        assert!(config.limits.database_bytes.is_some() && config.data.is_some());
    }

    /// Everybody can read it: whoever takes the "#= " away and nothing else would open the page to all who reach it.
    #[test]
    fn the_token_that_the_sample_shows_is_not_taken() {
        let sample = include_str!("../packaging/relay.toml");
        let shown = sample.lines().find_map(|line| line.strip_prefix("#= page-token"));
        let told = wrong(&format!("page-token{}", shown.unwrap()));
        assert!(told.starts_with("relay.toml, line 1, page-token: "), "{told}");
        assert!(told.ends_with("choose your own"), "{told}");
    }

    #[test]
    fn types_are_told_in_words_and_not_as_a_program_calls_them() {
        for (text, expected) in [
            (
                "[limits]\nsessions = \"many\"",
                "expected a whole number from 0 on",
            ),
            ("[limits]\nsessions = -1", "expected a whole number from 0 on"),
            (
                "[limits]\nsessions = 99999999999999999999",
                "expected a whole number from 0 on",
            ),
            ("tcp = \"yes\"", "expected true or false"),
            ("allow = \"any\"", "expected a list in [ ]"),
            ("limits = 5", "expected a table"),
        ] {
            let told = wrong(text);
            assert!(told.contains(expected), "{told}");
            assert!(
                !told.contains("u64") && !told.contains("i128") && !told.contains("struct"),
                "{told}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_file_line_and_key() {
        assert_eq!(
            wrong("listen = \"0.0.0.0:7843\"\n\n[limits]\nspace-bytes = 5\n"),
            "relay.toml, line 4, limits.space-bytes: 5 is not between 65536 and 1099511627776"
        );
        let unknown = wrong("listn = \"0.0.0.0:1\"\n");
        assert!(
            unknown.starts_with("relay.toml, line 1, listn: unknown field"),
            "{unknown}"
        );
        let unknown = wrong("[limits]\nsessions = 5\nsesions = 5\n");
        assert!(
            unknown.starts_with("relay.toml, line 3, limits.sesions: unknown field"),
            "{unknown}"
        );
        let address = wrong("http = \"localhost\"");
        assert!(
            address.starts_with("relay.toml, line 1, http: an IP address and a port"),
            "{address}"
        );
        let kind = wrong("[limits]\nsessions = \"many\"");
        assert!(
            kind.starts_with("relay.toml, line 2, limits.sessions: invalid type"),
            "{kind}"
        );
        let unit = wrong("allow = [\n  \"any\",\n  \"abc\",\n]");
        assert!(unit.starts_with("relay.toml, line 3"), "{unit}");
        let token = wrong("page-token = \"nineteen characters\"");
        assert_eq!(
            token,
            "relay.toml, line 1, page-token: at least 20 characters are expected"
        );
        assert!(wrong("log = \"xml\"").contains("line 1, log"));
        for public in ["a b", "relay.example.vn:7843", ""] {
            let public = wrong(&format!("\npublic = \"{public}\""));
            assert_eq!(
                public,
                "relay.toml, line 2, public: a DNS name or an IP address without port is expected"
            );
        }
        let store = wrong("log = \"json\"\nstore = \"postgres://relay:secret@db.example/sotay\"");
        assert!(
            store.starts_with("relay.toml, line 2, store: the database is on another machine"),
            "{store}"
        );
        assert!(!store.contains("secret"));
        assert!(wrong("store = \"oracle:secret\"").starts_with("relay.toml, line 1, store: postgres://"));
        assert!(wrong("listen = ").contains("line 1, listen"));
        assert!(wrong("[limits]\nsessions = -1").contains("line 2, limits.sessions"));
    }

    #[test]
    fn retention_is_off_unless_said_and_takes_days_and_hours_up_to_a_limit() {
        let retention = |text: &str| {
            let text = format!("[retention]\n{text}");
            parse(Path::new("relay.toml"), &text).map(|config| config.retention)
        };
        const DAY: i64 = 86_400_000;
        let off = Retention {
            signed: false,
            after_ms: 90 * DAY,
        };
        assert_eq!(retention("").unwrap(), off);
        assert_eq!(retention("prune = \"never\"").unwrap(), off);
        let on = retention("prune = \"signed\"\nprune-after = \"12h\"").unwrap();
        assert_eq!((on.signed, on.after_ms), (true, DAY / 2));
        for (text, ms) in [("0d", 0), ("3650d", 3650 * DAY), ("87600h", 3650 * DAY)] {
            let after = retention(&format!("prune-after = \"{text}\""));
            assert_eq!(after.unwrap().after_ms, ms, "{text}");
        }
        for text in [
            "",
            "d",
            "90",
            "3651d",
            "87601h",
            "-1d",
            "+1d",
            "1.5d",
            "9999999999999999999d",
            "5m",
            "ngày",
        ] {
            let refused = retention(&format!("prune-after = \"{text}\""))
                .unwrap_err()
                .to_string();
            assert!(
                refused.starts_with("relay.toml, line 2, retention.prune-after: days or hours are expected"),
                "{refused}"
            );
        }
        assert!(
            wrong("[retention]\n\nprune = \"old\"")
                .starts_with("relay.toml, line 3, retention.prune: \"never\" or")
        );
        assert!(wrong("[retention]\nkeep = \"1d\"").contains("line 2, retention.keep"));
    }

    #[test]
    fn both_ends_of_a_range_are_taken_and_one_beyond_is_not() {
        let sessions = |n: u64| parse(Path::new("c"), &format!("[limits]\nsessions = {n}"));
        assert_eq!(sessions(1).unwrap().limits.sessions, 1);
        assert_eq!(sessions(1_000_000).unwrap().limits.sessions, 1_000_000);
        assert!(sessions(0).is_err() && sessions(1_000_001).is_err());
    }

    #[test]
    fn records_are_in_a_file_unless_a_server_is_named() {
        let store = |text: &str| parse(Path::new("c"), text).unwrap().store;
        assert_eq!(store(""), None);
        assert_eq!(store("store = \"sqlite\""), None);
        let target = store("store = \"postgres://relay:secret@localhost/sotay\"").unwrap();
        assert_eq!(target.place(), "localhost/sotay");
        let config = parse(
            Path::new("c"),
            "store = \"postgres://relay:secret@localhost/sotay\"",
        )
        .unwrap();
        assert!(!format!("{config:?}").contains("secret"));
    }

    #[test]
    fn units_are_read_and_any_means_any() {
        let unit = "ab".repeat(32);
        let config = parse(Path::new("c"), &format!("allow = [\"{unit}\"]")).unwrap();
        let units = |served: &Served| served.units.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            config.allow.unwrap().as_ref().map(units),
            Some(vec![unit.clone()])
        );
        let config = parse(Path::new("c"), &format!("allow = [\"root:{unit}\"]")).unwrap();
        let served = config.allow.unwrap().unwrap();
        assert!(served.units.is_empty());
        assert_eq!(served.roots, [unit.parse().unwrap()].into());
        let config = parse(Path::new("c"), "allow = [\"any\"]").unwrap();
        assert_eq!(config.allow, Some(None));
    }

    #[test]
    fn a_page_token_of_the_least_length_is_taken_and_shown_nowhere() {
        let config = parse(Path::new("c"), "page-token = \"twenty characters ab\"").unwrap();
        assert!(config.page_token.is_some());
        assert!(!format!("{config:?}").contains("twenty"));
    }

    #[test]
    fn a_file_over_the_limit_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("relay.toml");
        std::fs::write(&path, "#".repeat(CONFIG_BYTES_MAX as usize)).unwrap();
        assert!(read(&path).is_ok());
        std::fs::write(&path, "#".repeat(CONFIG_BYTES_MAX as usize + 1)).unwrap();
        assert!(matches!(read(&path), Err(ConfigError::TooLong { .. })));
        assert!(matches!(
            read(&dir.path().join("none")),
            Err(ConfigError::Io { .. })
        ));
    }
}
