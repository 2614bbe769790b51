//! The baseline: findings that were there before and are accepted, by their fingerprints.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use innkeeper_report::readable as clean;

use crate::report::Report;

const HEADING: &str = "\
# Findings that are known and accepted. One a line: its fingerprint, then what it was when it was
# accepted. Remove a line to hear of it again.
";

/// Where a file is no baseline.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NoBaseline {
    /// Counted from one.
    pub line: usize,
}

impl std::error::Error for NoBaseline {}

impl fmt::Display for NoBaseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line;
        write!(
            f,
            "line {line} does not begin with a fingerprint, which is {LENGTH} hexadecimal digits"
        )
    }
}

/// How long a fingerprint is.
const LENGTH: usize = 32;

/// Reads a baseline: one fingerprint a line, anything after it a note, `#` a comment.
///
/// # Errors
///
/// Another file, by mistake, would accept nothing and say nothing.
pub fn read(text: &str) -> Result<BTreeSet<String>, NoBaseline> {
    let lines = text.lines().enumerate();
    let of_findings = lines.filter(|(_, line)| !line.starts_with('#'));
    let first = of_findings.filter_map(|(at, line)| Some((at, line.split_whitespace().next()?)));
    first
        .map(|(at, word)| {
            let is_fingerprint =
                word.len() == LENGTH && word.bytes().all(|b| b.is_ascii_hexdigit());
            let fingerprint = is_fingerprint.then(|| word.to_owned());
            fingerprint.ok_or(NoBaseline { line: at + 1 })
        })
        .collect()
}

/// Writes the baseline that accepts every finding of this report, those it accepted already
/// included.
#[must_use]
pub fn write(report: &Report) -> String {
    let mut lines: Vec<String> = report
        .units
        .iter()
        .flat_map(|unit| &unit.findings)
        .map(|f| {
            let file = clean(&f.at.file);
            format!("{} {} {file}:{}", f.fingerprint, f.rule, f.at.line)
        })
        .collect();
    lines.sort();
    lines.dedup();
    lines
        .into_iter()
        .fold(HEADING.to_owned(), |mut text, line| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{line}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::{NoBaseline, read};

    #[test]
    fn given_a_baseline_with_notes_and_comments_when_read_then_only_fingerprints_are_left() {
        let [one, other] = ["0a".repeat(16), "ff".repeat(16)];

        let read = read(&format!("# why\n{one} CSC-LIMIT-001 a.js:3\n\n  {other}\n"));

        assert_eq!(read.map(Vec::from_iter), Ok(vec![one, other]));
    }

    #[test]
    fn given_another_file_when_read_as_a_baseline_then_its_first_stray_line_is_told() {
        let known = "0a".repeat(16);

        let strays = ["{}", "abc CSC-LIMIT-001", "CSC-LIMIT-001"];
        let read = strays.map(|stray| read(&format!("# why\n{known}\n\n{stray}\n{stray}\n")));

        assert!(
            read.iter().all(|r| *r == Err(NoBaseline { line: 4 })),
            "{read:?}"
        );
    }
}
