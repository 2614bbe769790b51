//! The arrows of `ARCHITECTURE.md`: who may know about whom, and what the domain must not reach.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The layers, the lowest first. An arrow points from a crate to one of a lower layer.
const LAYERS: &[&[&str]] = &[
    &["domain", "api", "report", "test-servers"],
    &["store", "federation"],
    &[
        "engine",
        "store-embedded",
        "store-postgres",
        "store-redis",
        "model",
    ],
    &["http", "scan", "probe", "simulation", "bench"],
    &["gateway", "siege", "fuzz"],
    &["cli"],
];

/// All that the domain may be built from. None of it knows a clock, a network, a disk, random
/// numbers or an async runtime.
const OF_THE_DOMAIN: &[&str] = &[
    "base64",
    "block-buffer",
    "cfg-if",
    "cmov",
    "const-oid",
    "cpufeatures",
    "crc32fast",
    "crypto-common",
    "ctutils",
    "digest",
    "hmac",
    "hybrid-array",
    "innkeeper-domain",
    "ipnet",
    "proc-macro2",
    "quote",
    "sha2",
    "syn",
    "thiserror",
    "thiserror-impl",
    "tinyvec",
    "typenum",
    "unicode-ident",
    "unicode-normalization",
    "zeroize",
    "zeroize_derive",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn layer(name: &str) -> usize {
    LAYERS
        .iter()
        .position(|layer| layer.contains(&name))
        .unwrap_or_else(|| panic!("{name} has no layer: give it one, here and in ARCHITECTURE.md"))
}

#[test]
fn given_the_manifests_when_their_arrows_are_read_then_each_points_to_a_lower_layer() {
    let mut arrows = 0;
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        let dependencies = manifest["dependencies"].as_table().unwrap();
        for known in dependencies
            .keys()
            .filter_map(|d| d.strip_prefix("innkeeper-"))
        {
            arrows += 1;
            assert!(
                layer(known) < layer(&name),
                "{name} must not know about {known}"
            );
        }
    }
    assert!(arrows > 10, "the manifests were read");
}

#[test]
fn given_the_domain_when_all_it_is_built_from_is_listed_then_nothing_else_is_in_reach() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", "innkeeper-domain"])
        .args(["--no-dedupe", "--edges", "normal,build"])
        .args(["--prefix", "none", "--format", "{lib}"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        tree.status.success(),
        "{}",
        String::from_utf8_lossy(&tree.stderr)
    );
    let listed = String::from_utf8(tree.stdout).unwrap();

    let expected: BTreeSet<String> = OF_THE_DOMAIN.iter().map(|n| n.replace('-', "_")).collect();
    let found: BTreeSet<String> = listed
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.replace('-', "_"))
        .collect();

    let strangers: Vec<_> = found.difference(&expected).collect();
    assert!(
        strangers.is_empty(),
        "the domain has come to know {strangers:?}"
    );
    assert!(found.contains("sha2"), "the tree was read");
}
