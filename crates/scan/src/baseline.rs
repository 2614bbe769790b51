//! The baseline: findings that were there before and are accepted, by their fingerprints.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::report::{Report, clean};

const HEADING: &str = "\
# Findings that are known and accepted. One a line: its fingerprint, then what it was when it was
# accepted. Remove a line to hear of it again.
";

/// Reads a baseline: one fingerprint a line, anything after it a note, `#` a comment.
#[must_use]
pub fn read(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
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
    use super::read;

    #[test]
    fn given_a_baseline_with_notes_and_comments_when_read_then_only_fingerprints_are_left() {
        let read = read("# why\nabc CSC-LIMIT-001 a.js:3\n\n  def\n");

        assert_eq!(read.into_iter().collect::<Vec<_>>(), ["abc", "def"]);
    }
}
