//! What the scanner reads: one reader a run, named by `FUZZ_READER`, so that each has a corpus and a
//! count of its own.

use std::sync::LazyLock;

use innkeeper_scan::{Language, Policy, baseline, judge_text, read_config};

/// The variable that names the reader.
const VARIABLE: &str = "FUZZ_READER";

const LANGUAGES: [(&str, Language); 11] = [
    ("javascript", Language::JavaScript),
    ("typescript", Language::TypeScript),
    ("tsx", Language::Tsx),
    ("python", Language::Python),
    ("java", Language::Java),
    ("go", Language::Go),
    ("rust", Language::Rust),
    ("php", Language::Php),
    ("ruby", Language::Ruby),
    ("csharp", Language::CSharp),
    ("kotlin", Language::Kotlin),
];

static READER: LazyLock<String> = LazyLock::new(|| {
    std::env::var(VARIABLE).unwrap_or_else(|_| panic!("{VARIABLE} names what the text is read as"))
});

static LANGUAGE: LazyLock<Language> = LazyLock::new(|| {
    let named = LANGUAGES.iter().find(|(name, _)| *name == READER.as_str());
    named.unwrap_or_else(|| panic!("{VARIABLE} names no language: {}", *READER)).1
});

/// Source code of the language that the reader is for, judged as one file.
pub fn source(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        judge_text(*LANGUAGE, text);
    }
}

/// Configuration or a manifest of the name that the reader is for.
pub fn config(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        read_config(&READER, text);
    }
}

/// What a team writes for the scanner: its policy, and the findings it accepts.
pub fn accepted(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Policy::parse(text);
        if let Ok(known) = baseline::read(text) {
            assert!(known.iter().all(|one| !one.contains(char::is_whitespace)));
        }
    }
}
