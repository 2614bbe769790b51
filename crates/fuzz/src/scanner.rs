//! What the scanner reads: one reader at a time, so that each has a corpus and a count of its own.

use innkeeper_scan::{Language, Policy, baseline, judge_text, read_config};

/// The variable that names the reader to libFuzzer's targets.
const VARIABLE: &str = "FUZZ_READER";

/// What source code is read as: the name of each reader, and how such files end.
pub const LANGUAGES: [(&str, &str, Language); 11] = [
    ("javascript", "js", Language::JavaScript),
    ("typescript", "ts", Language::TypeScript),
    // The same language with more in its grammar.
    ("tsx", "ts", Language::Tsx),
    ("python", "py", Language::Python),
    ("java", "java", Language::Java),
    ("go", "go", Language::Go),
    ("rust", "rs", Language::Rust),
    ("php", "php", Language::Php),
    ("ruby", "rb", Language::Ruby),
    ("csharp", "cs", Language::CSharp),
    ("kotlin", "kt", Language::Kotlin),
];

/// The names of manifests and settings: each kind and each syntax.
pub const FILES: [&str; 19] = [
    "application.yml",
    "application.properties",
    "appsettings.json",
    "settings.toml",
    ".env",
    "package.json",
    "composer.json",
    "Cargo.toml",
    "go.mod",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "Gemfile",
    "pyproject.toml",
    "Pipfile",
    "requirements.txt",
    "setup.py",
    "setup.cfg",
    "App.csproj",
];

/// The reader that the environment names.
#[must_use]
pub fn reader() -> String {
    std::env::var(VARIABLE).unwrap_or_else(|_| panic!("{VARIABLE} names what the text is read as"))
}

/// The language of this name.
#[must_use]
pub fn language(name: &str) -> Language {
    let named = LANGUAGES.iter().find(|(reader, ..)| *reader == name);
    named
        .unwrap_or_else(|| panic!("{VARIABLE} names no language: {name}"))
        .2
}

/// Source code of a language, judged as one file.
pub fn source(language: Language, data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        judge_text(language, text);
    }
}

/// Configuration or a manifest of this name.
pub fn config(name: &str, data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        read_config(name, text);
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
