//! What is shipped beside the binary names only what exists.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn file(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name)).unwrap()
}

/// Names of metrics in a text, their suffixes taken off.
fn metrics(text: &str) -> BTreeSet<String> {
    let names = text.split("sotay_relay_").skip(1);
    let names = names.map(|rest| {
        rest.split(|c: char| !c.is_ascii_lowercase() && c != '_')
            .next()
            .unwrap()
    });
    names
        .map(|name| {
            let ends = ["_total", "_bucket", "_sum", "_count"];
            ends.iter()
                .find_map(|end| name.strip_suffix(end))
                .unwrap_or(name)
                .to_owned()
        })
        .collect()
}

#[test]
fn alerts_and_dashboard_ask_for_metrics_that_the_manual_describes() {
    let manual =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/OPERATING.md"))
            .unwrap();
    for name in ["alerts.yaml", "grafana.json"] {
        let asked = metrics(&file(name));
        assert!(asked.len() > 5, "{asked:?}");
        for metric in asked {
            let described = ["", "_total"].iter().any(|end| {
                manual.contains(&format!("`{metric}{end}`")) || manual.contains(&format!("`{metric}{end}{{"))
            });
            assert!(described, "{metric} of {name}");
        }
    }
}

#[test]
fn alerts_dashboard_and_manual_name_only_what_a_running_relay_tells() {
    let dir = tempfile::tempdir().unwrap();
    let relay = common::Relay::start(dir.path(), &[]);
    let (code, told) = relay.page("/metrics");
    assert_eq!(code, 200);
    let told: BTreeSet<&str> = told
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE sotay_relay_")?.split(' ').next())
        .collect();
    // What was never counted is not told yet, but registered.
    let registered = file("../src/metrics.rs");
    let exists = |name: &str| told.contains(name) || registered.contains(&format!("\"{name}\""));
    assert!(told.len() > 8 && !exists("no_such_thing"));
    for name in ["alerts.yaml", "grafana.json"] {
        for metric in metrics(&file(name)) {
            assert!(exists(&metric), "{metric} of {name}");
        }
    }
    let manual =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/OPERATING.md"))
            .unwrap();
    let (_, table) = manual.split_once("| metric | meaning |").unwrap();
    let described: BTreeSet<&str> = table
        .lines()
        .skip(2)
        .map_while(|line| line.strip_prefix('|')?.split('|').next())
        .flat_map(|names| names.split('`').skip(1).step_by(2))
        .map(|name| name.split('{').next().unwrap())
        .map(|name| name.strip_suffix("_total").unwrap_or(name))
        .collect();
    for name in &told {
        assert!(described.contains(name), "{name} is told and not described");
    }
    for name in described {
        assert!(exists(name), "{name} is described and does not exist");
    }
}

/// A rate over a series that appears with its first event does not see that event: an alert would come late or never.
#[test]
fn every_series_that_an_alert_counts_is_told_before_anything_happens() {
    let dir = tempfile::tempdir().unwrap();
    let relay = common::Relay::start(dir.path(), &[]);
    let (_, told) = relay.page("/metrics");
    let (alerts, mut series) = (file("alerts.yaml"), 0);
    for counted in alerts.split("increase(").skip(1) {
        let selector = counted.split('[').next().unwrap();
        let (name, label) = selector.split_once('{').unwrap_or((selector, ""));
        let (label, values) = match label.strip_suffix('}') {
            None => ("", ""),
            Some(label) => label.split_once('=').unwrap(),
        };
        for value in values.trim_matches(['~', '"']).split('|') {
            let wanted = match label {
                "" => format!("\n{name}"),
                _ => format!("\n{name}{{{label}=\"{value}\"}} 0\n"),
            };
            assert!(told.contains(&wanted), "{wanted} is not told at the start");
            series += 1;
        }
    }
    assert!(series > 10, "{series}");
    assert!(told.contains("\nsotay_relay_ready 1\n"));
}

#[test]
fn the_dashboard_is_json_and_the_service_starts_what_the_package_installs() {
    let dashboard: serde_json::Value = serde_json::from_str(&file("grafana.json")).unwrap();
    assert!(dashboard["panels"].as_array().unwrap().len() >= 10);
    let service = file("sotay-relay.service");
    let start = service
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="))
        .unwrap();
    // The program tells it: tests/operator.rs.
    assert!(service.lines().any(|line| line == "Type=notify"));
    assert!(service.lines().any(|line| line == "RestartPreventExitStatus=2 7"));
    let mut words = start.split(' ');
    let installed = installed();
    let program = words.next().unwrap();
    assert!(installed.contains_key(program), "{program} is not installed");
    let config = words.skip_while(|word| *word != "--config").nth(1).unwrap();
    assert!(installed.contains_key(config), "{config} is not installed");
}

/// What the Debian package installs: each path with its source, as the manifest names it.
fn installed() -> BTreeMap<String, String> {
    let deb = deb();
    let assets = deb["assets"].as_array().unwrap();
    let asset = |asset: &toml::Value| {
        let (from, to) = (asset[0].as_str().unwrap(), asset[1].as_str().unwrap());
        let name = if to.ends_with('/') {
            Path::new(from).file_name().unwrap().to_str().unwrap()
        } else {
            ""
        };
        (format!("/{to}{name}"), from.to_owned())
    };
    assets.iter().map(asset).collect()
}

fn deb() -> toml::Value {
    let manifest: toml::Table = toml::from_str(&file("../Cargo.toml")).unwrap();
    manifest["package"]["metadata"]["deb"].clone()
}

#[test]
fn the_debian_package_is_made_of_files_that_exist() {
    let (deb, root) = (deb(), Path::new(env!("CARGO_MANIFEST_DIR")));
    let installed = installed();
    for (path, from) in &installed {
        let built = from.strip_prefix("target/release/");
        match built {
            Some(program) => assert_eq!(program, "sotay-relay", "{path}"),
            None => assert!(root.join(from).is_file(), "{from} for {path}"),
        }
    }
    for config in deb["conf-files"].as_array().unwrap() {
        assert!(installed.contains_key(config.as_str().unwrap()), "{config}");
    }
    let unit = &deb["systemd-units"];
    let service = format!("{}.service", unit["unit-name"].as_str().unwrap());
    let units = unit["unit-scripts"].as_str().unwrap();
    assert!(root.join(units).join(service).is_file());
    let scripts = root.join(deb["maintainer-scripts"].as_str().unwrap());
    // Where the service is enabled and started after an upgrade.
    for entry in std::fs::read_dir(scripts).unwrap() {
        let script = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(script.starts_with("#!/bin/sh\nset -e\n") && script.contains("\n#DEBHELPER#\n"));
    }
}

#[test]
fn the_container_runs_as_the_service_does_and_sends_no_build_to_its_builder() {
    let docker = file("Dockerfile");
    let line = |start: &str| {
        let found = docker.lines().find_map(|line| line.strip_prefix(start));
        found.unwrap_or_else(|| panic!("no line {start}")).to_owned()
    };
    let port = file("relay.toml");
    let port = port
        .lines()
        .find_map(|line| line.strip_prefix("#= listen = \"0.0.0.0:")?.strip_suffix('"'))
        .unwrap()
        .to_owned();
    assert_eq!(line("EXPOSE "), format!("{port}/udp {port}/tcp"));
    let service = file("sotay-relay.service");
    for (container, unit) in [("USER ", "User="), ("STOPSIGNAL ", "KillSignal=")] {
        let of_unit = service.lines().find_map(|line| line.strip_prefix(unit));
        // What a unit does not say is SIGTERM.
        assert_eq!(line(container), of_unit.unwrap_or("SIGTERM"));
    }
    assert!(docker.contains("\"serve\", \"--data\", \"/var/lib/sotay/relay\""));
    assert!(service.contains("--data /var/lib/sotay/relay"));
    let ignored = file("../../../.dockerignore");
    for folder in [".git", "target"] {
        assert!(ignored.lines().any(|line| line == folder), "{folder}");
    }
}
