//! The main job: a branch meets where there is no network, and its phones become one meeting afterwards.
//!
//! Starts a relay as a process of its own, makes a branch of 42 members and three phones as profiles on disk, holds
//! the meeting of a script offline, brings the phones online one after another, and shows what happened.

mod evening;
mod homecoming;
mod relay;
mod script;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

use crate::evening::{Evening, hold};
use crate::homecoming::{Report, copy_phones, play};
use crate::script::Script;

/// A village branch holds its meeting offline on three phones, which then sync through a relay.
///
/// Examples:
///   village-meeting                      the evening in An Lạc, phones come online in the order P1, P2, P3
///   village-meeting --orders all --json  all six orders; prints six equal hashes
///   village-meeting --data /tmp/an-lac   keeps everything, to look at with `sotay --profile /tmp/an-lac/P1 …`
#[derive(Debug, Parser)]
#[command(name = "village-meeting", version, verbatim_doc_comment)]
struct Args {
    /// Another script (TOML); the shipped one is examples/village-meeting/scripts/an-lac.toml.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Print one JSON object instead of a report; with --orders all it also has `hashes` and one report per order.
    #[arg(long)]
    json: bool,
    /// `all`, or labels in the order in which the phones come online: `P3,P1,P2`.
    #[arg(long, value_name = "ORDER")]
    orders: Option<String>,
    /// Keep profiles and relay data in this folder, which must be empty or not exist yet.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    let program = args.next().unwrap_or_default();
    let mut rest = args.peekable();
    if rest.peek().is_some_and(|first| first == relay::AS_RELAY) {
        rest.next();
        return sotay_relay::run(std::iter::once(program).chain(rest));
    }
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("village-meeting: các máy không giống nhau (not converged)");
            ExitCode::from(1)
        }
        Err(error) => {
            eprintln!("village-meeting: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> Result<bool, Box<dyn std::error::Error>> {
    let script = match &args.script {
        Some(file) => Script::load(file)?,
        None => Script::parse(script::AN_LAC)?,
    };
    let orders = orders(&script, args.orders.as_deref())?;
    let temporary;
    let dir = match &args.data {
        Some(dir) => {
            if dir.exists() && dir.read_dir()?.next().is_some() {
                return Err(format!("{} is not empty; name another folder for --data", dir.display()).into());
            }
            dir.clone()
        }
        None => {
            temporary = tempfile::tempdir()?;
            temporary.path().to_owned()
        }
    };
    let bar = progress(args.json);
    bar.set_message("họp không có mạng …");
    let single = orders.len() == 1;
    let offline = if single { dir.clone() } else { dir.join("offline") };
    let evening = hold(&script, &offline)?;
    if !args.json {
        say(
            &bar,
            format!(
                "{} — {} đảng viên, {} máy",
                script.unit.name,
                script.members.len(),
                script.phones.len()
            ),
        );
        for line in &evening.account {
            say(&bar, line.clone());
        }
    }
    let mut reports = Vec::new();
    for order in &orders {
        let place = if single {
            dir.clone()
        } else {
            dir.join(labels(&evening, order).join("-"))
        };
        if !single {
            copy_phones(&evening, &place)?;
        }
        bar.set_message(format!("đồng bộ {} …", labels(&evening, order).join(" → ")));
        let report = play(&evening, &place, order, &mut |line| {
            if !args.json {
                say(&bar, line);
            }
        })?;
        if !args.json {
            tell(&report, &bar, single);
        }
        reports.push(report);
    }
    bar.finish_and_clear();
    let hashes: Vec<Option<&str>> = reports
        .iter()
        .map(|report| report.minutes_sha256.as_deref())
        .collect();
    let equal = hashes.iter().all(|hash| hash.is_some() && *hash == hashes[0]);
    if args.json {
        println!("{}", json(&reports, &hashes, equal)?);
    } else if !single {
        summary(&reports, equal);
    }
    Ok(equal)
}

/// One object: that of the first order, and with several orders also all of them and their hashes.
fn json(
    reports: &[Report],
    hashes: &[Option<&str>],
    equal: bool,
) -> Result<String, Box<dyn std::error::Error>> {
    let mut object = serde_json::to_value(reports.first().ok_or("no order was played")?)?;
    if reports.len() > 1 {
        object["converged"] = equal.into();
        object["minutes_sha256"] = if equal {
            serde_json::json!(hashes[0])
        } else {
            serde_json::Value::Null
        };
        object["hashes"] = serde_json::json!(hashes);
        object["orders"] = serde_json::to_value(reports)?;
    }
    Ok(object.to_string())
}

fn progress(silent: bool) -> ProgressBar {
    if silent {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} [{elapsed}]") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(std::time::Duration::from_millis(120));
    bar
}

/// A line for people, above the spinner; standard output also when it is no terminal.
fn say(bar: &ProgressBar, line: impl std::fmt::Display) {
    bar.suspend(|| println!("{line}"));
}

/// The orders to play, each as positions of phones in the script.
fn orders(script: &Script, wish: Option<&str>) -> Result<Vec<Vec<usize>>, String> {
    let all: Vec<usize> = (0..script.phones.len()).collect();
    match wish {
        None => Ok(vec![all]),
        Some("all") => Ok(permutations(&all)),
        Some(list) => {
            let order: Option<Vec<usize>> = list
                .split(',')
                .map(|label| script.phones.iter().position(|phone| phone.label == label.trim()))
                .collect();
            let mut sorted = order.clone().unwrap_or_default();
            sorted.sort_unstable();
            match order {
                Some(order) if sorted == all => Ok(vec![order]),
                _ => Err(format!(
                    "--orders {list}: name every phone of the script once, or say all"
                )),
            }
        }
    }
}

fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (at, &first) in items.iter().enumerate() {
        let mut rest = items.to_vec();
        rest.remove(at);
        all.extend(
            permutations(&rest)
                .into_iter()
                .map(|tail| [vec![first], tail].concat()),
        );
    }
    all
}

fn labels(evening: &Evening, order: &[usize]) -> Vec<String> {
    order.iter().map(|&at| evening.phones[at].0.clone()).collect()
}

fn tell(report: &Report, bar: &ProgressBar, whole: bool) {
    if whole {
        say(bar, format!("\n{}", report.minutes));
        if report.review.is_empty() {
            say(bar, "Việc cần xem lại: không có.");
        }
        for line in &report.review {
            say(bar, format!("Việc cần xem lại: {line}"));
        }
    }
    for phone in &report.phones {
        say(
            bar,
            format!("{} SHA-256 biên bản {}", phone.label, phone.minutes_sha256),
        );
    }
    say(
        bar,
        format!(
            "{} bản ghi, gửi {} byte, nhận {} byte, {} lượt hỏi–đáp, kho của trạm {} byte",
            report.envelopes,
            report.bytes_up,
            report.bytes_down,
            report.round_trips,
            report.relay_store_bytes
        ),
    );
}

/// Says whether all orders ended alike.
fn summary(reports: &[Report], equal: bool) {
    println!(
        "{} thứ tự, {}",
        reports.len(),
        if equal {
            "cùng một biên bản"
        } else {
            "KHÁC NHAU"
        }
    );
    for report in reports {
        println!(
            "{}  {}",
            report.order.join(" → "),
            report.minutes_sha256.as_deref().unwrap_or("không hội tụ")
        );
    }
}
