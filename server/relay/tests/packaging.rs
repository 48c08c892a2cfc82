//! What is shipped beside the binary names only what exists.

use std::collections::BTreeSet;
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
fn the_dashboard_is_json_and_the_service_starts_what_the_package_installs() {
    let dashboard: serde_json::Value = serde_json::from_str(&file("grafana.json")).unwrap();
    assert!(dashboard["panels"].as_array().unwrap().len() >= 10);
    let (service, manifest) = (file("sotay-relay.service"), file("../Cargo.toml"));
    assert!(service.contains("ExecStart=/usr/bin/sotay-relay serve --config /etc/sotay/relay.toml"));
    assert!(manifest.contains("\"usr/bin/\"") && manifest.contains("\"etc/sotay/relay.toml\""));
    for part in [
        "packaging/alerts.yaml",
        "packaging/grafana.json",
        "packaging/relay.toml",
        "packaging/debian/postinst",
    ] {
        assert!(
            Path::new(env!("CARGO_MANIFEST_DIR")).join(part).exists(),
            "{part}"
        );
    }
}
