//! What the compiler says to wrong use of the derives, and that it says nothing to right use.
//!
//! * `ui/*.rs`: the derive refuses. One file for each rule, whose name is the rule; beside it all
//!   that the compiler prints, which is in our words. Every file also uses the model, to prove that
//!   one mistake gives one message. `TRYBUILD=overwrite` accepts what is printed now.
//! * `ui/bounds/*.rs`: a trait bound refuses. The compiler's own words change from release to
//!   release, so only ours are pinned: there is one error, and it holds every text behind a `//~`.
//!   `//~~ and more` admits others behind that one, where the compiler cannot be kept from them.
//! * `ui/pass/*.rs`: nothing refuses, and nothing warns.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

#[path = "ui/pass/mod.rs"]
mod pass;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::{env, fs, panic};

use serde_json::Value;

/// The files of `ui`, compiled once. The package they are compiled in serves the bounds as well.
static RULES_HOLD: LazyLock<bool> = LazyLock::new(|| {
    panic::catch_unwind(|| trybuild::TestCases::new().compile_fail("tests/ui/*.rs")).is_ok()
});

#[test]
fn a_broken_rule_is_told_once_and_on_its_token() {
    assert!(*RULES_HOLD, "a file of tests/ui prints something else than its .stderr");
}

const AND_MORE: &str = "//~~ and more";

#[test]
fn an_unmet_bound_is_told_in_our_words() {
    LazyLock::force(&RULES_HOLD);
    let files = files("tests/ui/bounds");
    let mut errors = errors(&files);

    let mut failures = String::new();
    for (name, file) in &files {
        let source = fs::read_to_string(file).unwrap();
        let expected: Vec<&str> = source
            .lines()
            .filter_map(|line| line.split_once("//~ "))
            .map(|(_, text)| text)
            .collect();
        assert!(!expected.is_empty(), "{name}: no line says what is expected");

        let errors = errors.remove(name).unwrap_or_default();
        let told = |error: &String| expected.iter().all(|text| one_line(error).contains(text));
        let alone = errors.len() == 1 || source.contains(AND_MORE);
        if !alone || !errors.first().is_some_and(told) {
            let found = errors.join("\n");
            failures += &format!(
                "== {name}: {} errors, want {expected:#?} in one\n{found}\n",
                errors.len()
            );
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

/// What the compiler drew round a text is no part of it.
fn one_line(rendered: &str) -> String {
    rendered.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn files(directory: &str) -> BTreeMap<String, PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|file| (file.file_stem().unwrap().to_str().unwrap().to_owned(), file)).collect()
}

/// The errors that each file is refused with, as the compiler shows them.
fn errors(files: &BTreeMap<String, PathBuf>) -> BTreeMap<String, Vec<String>> {
    let package = package(files);
    let check = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["check", "--offline", "--bins", "--keep-going", "--quiet", "--message-format=json"])
        .args(as_trybuild_does())
        .current_dir(&package)
        .env("CARGO_TARGET_DIR", package.parent().unwrap())
        .env("CARGO_INCREMENTAL", "0")
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();

    let mut errors = BTreeMap::<String, Vec<String>>::new();
    let messages = check.stdout.split(|byte| *byte == b'\n');
    for message in messages.filter_map(|line| serde_json::from_slice::<Value>(line).ok()) {
        let diagnostic = &message["message"];
        // An error without a place only counts the others.
        let has_place = diagnostic["spans"].as_array().is_some_and(|spans| !spans.is_empty());
        if diagnostic["level"] == "error" && has_place {
            let name = message["target"]["name"].as_str().unwrap().to_owned();
            let rendered = diagnostic["rendered"].as_str().unwrap().to_owned();
            errors.entry(name).or_default().push(rendered);
        }
    }
    assert!(!errors.is_empty(), "{}", String::from_utf8_lossy(&check.stderr));
    errors
}

/// With the same settings, the dependencies need not be compiled again.
fn as_trybuild_does() -> [String; 4] {
    let rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .arg("-vV")
        .output()
        .unwrap();
    let version = String::from_utf8(rustc.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    [
        format!("--target={host}"),
        "--no-default-features".into(),
        "--features=r2d2,sqlite,uuid".into(),
        r#"--config=build.rustflags=["--cfg","trybuild","--verbose","-A","dead_code","--diagnostic-width=140"]"#.into(),
    ]
}

/// A package with each file as a binary: the one that trybuild has made and whose dependencies it
/// has compiled, with other binaries.
fn package(files: &BTreeMap<String, PathBuf>) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let trybuild = target.join("tests/trybuild");
    let made = trybuild.join(env!("CARGO_PKG_NAME"));
    let package = trybuild.join("bounds");
    fs::create_dir_all(&package).unwrap();

    let manifest = fs::read_to_string(made.join("Cargo.toml")).unwrap();
    let tables = manifest.split_inclusive("\n\n").filter(|table| !table.starts_with("[[bin]]"));
    let mut manifest: String = tables.collect();
    for (name, file) in files {
        manifest += &format!("\n[[bin]]\nname = {name:?}\npath = {file:?}\n");
    }
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    fs::copy(made.join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
    package
}
