//! What the scanner reads: one reader at a time, so that each has a corpus and a count of its own.

use innkeeper_scan::{Language, Policy, baseline, judge_text, read_config};

use crate::Tally;

/// The variable that names the reader to libFuzzer's targets.
const VARIABLE: &str = "FUZZ_READER";

/// The reader that the environment names.
///
/// # Panics
///
/// If it names none.
#[must_use]
pub fn reader() -> String {
    std::env::var(VARIABLE).unwrap_or_else(|_| panic!("{VARIABLE} names what the text is read as"))
}

/// The language of this name.
///
/// # Panics
///
/// If there is none.
#[must_use]
pub fn language(name: &str) -> Language {
    match name {
        "javascript" => Language::JavaScript,
        "typescript" => Language::TypeScript,
        // The same language with more in its grammar.
        "tsx" => Language::Tsx,
        "python" => Language::Python,
        "java" => Language::Java,
        "go" => Language::Go,
        "rust" => Language::Rust,
        "php" => Language::Php,
        "ruby" => Language::Ruby,
        "csharp" => Language::CSharp,
        "kotlin" => Language::Kotlin,
        _ => panic!("{name} is no language that is read"),
    }
}

/// Source code of a language, judged as one file.
pub fn source(language: Language, data: &[u8], tally: &mut Tally) {
    let facts = std::str::from_utf8(data).map_or(0, |text| judge_text(language, text));
    tally.add("facts", facts);
}

/// Configuration or a manifest of this name.
pub fn config(name: &str, data: &[u8], tally: &mut Tally) {
    let said = std::str::from_utf8(data).map_or(0, |text| read_config(name, text));
    tally.add("settings and dependencies", said);
}

/// What a team writes for the scanner: its policy, and the findings it accepts.
pub fn accepted(data: &[u8], tally: &mut Tally) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    tally.read("policies", Policy::parse(text));
    let known = baseline::read(text).unwrap_or_default();
    tally.add("findings accepted", known.len());
    assert!(known.iter().all(|one| !one.contains(char::is_whitespace)));
}
