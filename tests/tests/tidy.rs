//! Guards over the repository itself: who may depend on whom, licences, file sizes, links in the documents.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, PackageId};

/// Lines a source file may have before it has to become two.
const FILE_LINES_MAX: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ has a parent")
        .to_owned()
}

fn metadata() -> Metadata {
    let host = std::env::consts::ARCH.to_owned() + "-unknown-linux-gnu";
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .features(CargoOpt::AllFeatures)
        .other_options([
            "--locked".to_owned(),
            "--offline".to_owned(),
            "--filter-platform".to_owned(),
            host,
        ])
        .exec()
        .expect("cargo metadata reads the workspace")
}

/// Packages that `from` links, directly or through others: normal dependencies only.
fn links(metadata: &Metadata, from: &str) -> BTreeSet<String> {
    let names: BTreeMap<&PackageId, &str> = metadata
        .packages
        .iter()
        .map(|p| (&p.id, p.name.as_str()))
        .collect();
    let resolve = metadata.resolve.as_ref().expect("metadata has a graph");
    let edges: BTreeMap<&PackageId, _> = resolve.nodes.iter().map(|node| (&node.id, &node.deps)).collect();
    let start = metadata
        .packages
        .iter()
        .find(|p| p.name.as_str() == from)
        .expect("package exists");
    let (mut seen, mut open) = (BTreeSet::new(), vec![&start.id]);
    while let Some(id) = open.pop() {
        for dep in edges[id] {
            let normal = dep
                .dep_kinds
                .iter()
                .any(|kind| kind.kind == DependencyKind::Normal);
            if normal && seen.insert(names[&dep.pkg]) {
                open.push(&dep.pkg);
            }
        }
    }
    seen.into_iter().map(str::to_owned).collect()
}

#[test]
fn the_relay_links_nothing_that_could_open_a_payload() {
    let linked = links(&metadata(), "sotay-relay");
    assert!(linked.contains("sotay-sync"), "the walk works");
    for forbidden in [
        "sotay-vault",
        "sotay-document",
        "sotay-handbook",
        "sotay-study",
        "sotay-engine",
        "automerge",
        "hpke",
    ] {
        assert!(!linked.contains(forbidden), "the relay links {forbidden}");
    }
}

#[test]
fn the_protocol_links_no_socket_and_no_runtime() {
    let linked = links(&metadata(), "sotay-sync");
    for forbidden in ["tokio", "quinn", "rustls", "mio"] {
        assert!(!linked.contains(forbidden), "sotay-sync links {forbidden}");
    }
}

#[test]
fn every_crate_uses_only_the_own_crates_below_it() {
    let allowed: &[(&str, &[&str])] = &[
        ("sotay-feed", &[]),
        ("sotay-membership", &["feed"]),
        ("sotay-sqlite", &[]),
        ("sotay-store", &["sqlite", "feed", "membership"]),
        ("sotay-sync", &["feed", "membership", "store"]),
        ("sotay-net", &["feed", "sync"]),
        ("sotay-vault", &["feed", "membership"]),
        ("sotay-document", &["feed"]),
        ("sotay-handbook", &["feed", "document"]),
        ("sotay-study", &["sqlite", "feed", "document"]),
        ("sotay-paper", &["handbook"]),
        ("sotay-postgres", &["feed", "store"]),
        (
            "sotay-relay",
            &["feed", "membership", "store", "sync", "net", "postgres"],
        ),
        (
            "sotay-engine",
            &[
                "feed",
                "membership",
                "store",
                "sync",
                "net",
                "vault",
                "document",
                "handbook",
                "study",
                "paper",
            ],
        ),
        ("sotay-cli", &["engine"]),
        ("sotay-ffi", &["engine"]),
        ("sotay-village-meeting", &["engine", "relay"]),
    ];
    let metadata = metadata();
    for (name, allowed) in allowed {
        let package = metadata
            .packages
            .iter()
            .find(|p| p.name.as_str() == *name)
            .expect("package exists");
        for dep in package
            .dependencies
            .iter()
            .filter(|d| d.kind == DependencyKind::Normal)
        {
            if let Some(own) = dep.name.strip_prefix("sotay-") {
                assert!(allowed.contains(&own), "{name} uses {}", dep.name);
            }
        }
    }
}

#[test]
fn heavy_crates_stay_behind_the_one_crate_that_owns_them() {
    let owners: &[(&str, &[&str])] = &[
        ("automerge", &["sotay-document"]),
        // The search index is derived data of its own (decision 0075).
        ("rusqlite", &["sotay-sqlite", "sotay-store", "sotay-study"]),
        ("quinn", &["sotay-net"]),
        ("rustls", &["sotay-net", "sotay-postgres"]),
        ("tokio-postgres", &["sotay-postgres"]),
        ("chacha20poly1305", &["sotay-vault"]),
        ("hpke", &["sotay-vault"]),
        ("ed25519-dalek", &["sotay-feed"]),
        ("minicbor", &["sotay-feed"]),
        ("axum", &["sotay-relay"]),
        ("uniffi", &["sotay-ffi", "sotay-uniffi-bindgen"]),
    ];
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        for dep in package
            .dependencies
            .iter()
            .filter(|d| d.kind == DependencyKind::Normal)
        {
            if let Some((_, owners)) = owners.iter().find(|(heavy, _)| *heavy == dep.name) {
                assert!(
                    owners.contains(&package.name.as_str()),
                    "{} uses {}",
                    package.name,
                    dep.name
                );
            }
        }
    }
}

#[test]
fn every_dependency_has_a_licence_we_may_ship() {
    const ACCEPTED: &[&str] = &[
        "MIT",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "0BSD",
        "Zlib",
        "BlueOak-1.0.0",
        "CC0-1.0",
        "Unicode-3.0",
        "Unlicense",
        "CDLA-Permissive-2.0",
        "BSL-1.0",
    ];
    // uniffi is used unchanged; MPL-2.0 asks for nothing beyond its own files.
    const UNCHANGED: &[&str] = &["uniffi"];
    // Names a file instead of a licence; the file was read: MIT.
    const READ: &[&str] = &["rs-fsrs"];
    for package in metadata().packages {
        if package.license.is_none() && READ.contains(&package.name.as_str()) {
            continue;
        }
        let expression = package.license.clone().unwrap_or_default();
        let parsed = spdx::Expression::parse_mode(&expression, spdx::ParseMode::LAX)
            .unwrap_or_else(|error| panic!("{} {}: {expression:?}: {error}", package.name, package.version));
        let accepted = parsed.evaluate(|licence| {
            licence.license.id().is_some_and(|id| {
                ACCEPTED.contains(&id.name)
                    || (id.name == "MPL-2.0" && UNCHANGED.iter().any(|name| package.name.starts_with(name)))
            })
        });
        assert!(accepted, "{} {}: {expression}", package.name, package.version);
    }
}

#[test]
fn every_package_takes_the_workspace_lints() {
    // Its generated scaffolding is unsafe code, which the workspace forbids.
    const GENERATED: &str = "sotay-ffi";
    for package in metadata().workspace_packages() {
        if package.name.as_str() == GENERATED {
            continue;
        }
        let manifest = fs::read_to_string(&package.manifest_path).expect("manifest is there");
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{}",
            package.manifest_path
        );
    }
}

/// All files of the repository with this ending, build output left out.
fn files(ending: &str) -> Vec<PathBuf> {
    fn walk(dir: &Path, ending: &str, out: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).expect("readable folder") {
            let path = entry.expect("readable entry").path();
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            let skipped = [
                "target",
                ".git",
                "generated",
                "node_modules",
                ".build",
                "proptest-regressions",
            ];
            if path.is_dir() {
                if !skipped.contains(&name) {
                    walk(&path, ending, out);
                }
            } else if name.ends_with(ending) {
                out.push(path);
            }
        }
    }
    let mut out = Vec::new();
    walk(&root(), ending, &mut out);
    out.sort();
    out
}

#[test]
fn no_source_file_has_outgrown_its_question() {
    let long: Vec<String> = files(".rs")
        .into_iter()
        .filter_map(|path| {
            let lines = fs::read_to_string(&path).ok()?.lines().count();
            (lines > FILE_LINES_MAX).then(|| format!("{} has {lines} lines", path.display()))
        })
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn every_link_in_the_documents_leads_somewhere() {
    let mut dead = Vec::new();
    for path in files(".md") {
        let text = fs::read_to_string(&path).expect("document is there");
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split(')').next().unwrap_or_default();
            let file = target.split('#').next().unwrap_or_default();
            let outside = file.is_empty() || file.contains("://") || file.starts_with("mailto:");
            if !outside && !path.parent().expect("file has a folder").join(file).exists() {
                dead.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}
