//! Findings as Markdown, for a pull request or a ticket.

use std::fmt::Write as _;

use crate::coverage::Coverage;
use crate::escape::acts_on_a_reader;
use crate::finding::{Evidence, Finding, Rule};

/// How many files that were not read are named. What there is beyond is counted.
const UNREAD_MAX: usize = 50;

/// Writes findings as Markdown, most serious first, and what was not looked at below them.
///
/// Text from the code that was read is put in code spans, with whatever could end the span taken
/// out, so that a file name cannot become markup.
#[must_use]
pub fn markdown(title: &str, findings: &[&Finding], rules: &[Rule], coverage: &Coverage) -> String {
    let mut out = format!("# {}\n", plain(title));
    if !coverage.is_judged {
        out.push_str("\nThere was no source to judge, so nothing was judged.\n");
    } else if coverage.is_cut_short {
        out.push_str(
            "\nThe time was up before all of it was judged: what was not is under \"Not read\".\n",
        );
    } else if findings.is_empty() {
        out.push_str("\nNothing found.\n");
    }
    for note in &coverage.notes {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "\n{}", plain(note));
    }
    let mut sorted: Vec<&&Finding> = findings.iter().collect();
    sorted.sort_by(|a, b| (b.severity, a.rule, &a.at).cmp(&(a.severity, b.rule, &b.at)));
    for finding in sorted {
        let heading = rules
            .iter()
            .find(|rule| rule.id == finding.rule)
            .map_or("", |rule| rule.title);
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            "\n## {} {} ({})\n\n{} {}\n\n{}\n\n**What to do.** {}\n",
            finding.rule,
            heading,
            finding.severity,
            code(&format!("{}:{}", finding.at.file, finding.at.line)),
            cwe(&finding.cwe),
            plain(&finding.message),
            plain(&finding.remedy),
        );
        out.push_str(&listed(&finding.related));
    }
    not_read(coverage, &mut out);
    out
}

/// Writes places under a heading, such as the facts that findings rest on.
#[must_use]
pub fn places(heading: &str, places: &[Evidence]) -> String {
    format!("\n## {}\n{}", plain(heading), listed(places))
}

fn listed(places: &[Evidence]) -> String {
    let mut out = String::new();
    if !places.is_empty() {
        out.push('\n');
    }
    for place in places {
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "- {} {}",
            code(&format!("{}:{}", place.at.file, place.at.line)),
            plain(&place.note)
        );
    }
    out
}

fn not_read(coverage: &Coverage, out: &mut String) {
    if coverage.unread.is_empty() && coverage.apart.is_empty() {
        return;
    }
    out.push_str("\n## Not read\n\n");
    for unread in coverage.unread.iter().take(UNREAD_MAX) {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "- {}: {}", code(&unread.file), unread.why);
    }
    let more = coverage.unread.len().saturating_sub(UNREAD_MAX);
    if more > 0 {
        let _ = writeln!(out, "- and {more} more");
    }
    for apart in &coverage.apart {
        let _ = writeln!(out, "- passed over: {} {}", apart.count, apart.what);
    }
}

fn cwe(numbers: &[u16]) -> String {
    let words: Vec<String> = numbers.iter().map(|n| format!("CWE-{n}")).collect();
    words.join(", ")
}

fn code(text: &str) -> String {
    let inner: String = text
        .chars()
        .filter(|c| *c != '`' && !acts_on_a_reader(*c))
        .collect();
    format!("`{inner}`")
}

/// Escapes what Markdown or HTML would read as markup.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '*' | '[' | ']' | '|' | '`' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if acts_on_a_reader(c) => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::coverage::{Apart, Unread};
    use crate::finding::{Confidence, Location, RuleId, Severity};

    use super::*;

    fn judged() -> Coverage {
        Coverage {
            is_judged: true,
            ..Coverage::default()
        }
    }

    fn finding(rule: &'static str, severity: Severity) -> Finding {
        Finding {
            rule: RuleId(rule),
            severity,
            confidence: Confidence::Sure,
            cwe: vec![613],
            requirements: Vec::new(),
            at: Location {
                file: "a`\u{202e}b.js".into(),
                line: 3,
            },
            message: "<b>seen</b>".into(),
            remedy: "do".into(),
            related: Vec::new(),
            fingerprint: "f".into(),
            suppressed: None,
        }
    }

    #[test]
    fn given_two_severities_when_written_then_the_more_serious_comes_first() {
        let (low, high) = (finding("A", Severity::Low), finding("B", Severity::High));

        let text = markdown("t", &[&low, &high], &[], &judged());

        assert!(text.find("## B") < text.find("## A"), "{text}");
    }

    #[test]
    fn given_markup_in_a_name_when_written_then_it_stays_text() {
        let text = markdown("t", &[&finding("A", Severity::Low)], &[], &judged());

        assert!(text.contains("`ab.js:3`"), "{text}");
        assert!(!text.contains("<b>"), "{text}");
    }

    /// A file name with a backtick opened a span of code in the message, and the escapes after it
    /// were shown as they stand.
    #[test]
    fn given_a_backtick_in_a_message_when_written_then_it_opens_no_span_of_code() {
        let mut named = finding("A", Severity::Low);
        named.message = "nearest: a`[b].js:3".into();

        let text = markdown("t", &[&named], &[], &judged());

        assert!(text.contains(r"nearest: a\`\[b\].js:3"), "{text}");
    }

    #[test]
    fn given_a_note_when_nothing_was_found_then_it_stands_beside_and_stays_text() {
        let coverage = Coverage {
            notes: vec!["No sign-in in <b>web</b>.".into()],
            ..judged()
        };

        let text = markdown("t", &[], &[], &coverage);

        let said = "Nothing found.\n\nNo sign-in in &lt;b&gt;web&lt;/b&gt;.\n";
        assert!(text.ends_with(said), "{text}");
    }

    #[test]
    fn given_files_that_were_not_read_when_written_then_some_are_named_and_the_rest_counted() {
        let unread = |n: usize| Unread {
            file: format!("{n}.js"),
            why: "it is too large",
        };
        let mut coverage = Coverage {
            is_judged: true,
            is_cut_short: false,
            unread: (0..UNREAD_MAX + 2).map(unread).collect(),
            apart: vec![Apart {
                what: "tests",
                count: 3,
            }],
            notes: Vec::new(),
        };

        let text = markdown("t", &[], &[], &coverage);

        let end = "- `49.js`: it is too large\n- and 2 more\n- passed over: 3 tests\n";
        assert!(
            text.contains("Nothing found.\n\n## Not read\n\n- `0.js`: it"),
            "{text}"
        );
        assert!(text.ends_with(end), "{text}");

        coverage.is_judged = false;
        let text = markdown("t", &[], &[], &coverage);
        assert!(!text.contains("Nothing found"), "{text}");
        assert!(text.contains("nothing was judged"), "{text}");

        (coverage.is_judged, coverage.is_cut_short) = (true, true);
        let text = markdown("t", &[], &[], &coverage);
        assert!(!text.contains("Nothing found"), "{text}");
        assert!(text.contains("before all of it was judged"), "{text}");
    }
}
