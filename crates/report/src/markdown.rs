//! Findings as Markdown, for a pull request or a ticket.

use std::fmt::Write as _;

use crate::finding::{Finding, Rule};

/// Writes findings as Markdown, most serious first.
///
/// Text from the code that was read is put in code spans, with whatever could end the span taken
/// out, so that a file name cannot become markup.
#[must_use]
pub fn markdown(title: &str, findings: &[&Finding], rules: &[Rule]) -> String {
    let mut out = format!("# {}\n", plain(title));
    if findings.is_empty() {
        out.push_str("\nNothing found.\n");
        return out;
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
        if !finding.related.is_empty() {
            out.push('\n');
        }
        for evidence in &finding.related {
            let _ = writeln!(
                out,
                "- {} {}",
                code(&format!("{}:{}", evidence.at.file, evidence.at.line)),
                plain(&evidence.note)
            );
        }
    }
    out
}

fn cwe(numbers: &[u16]) -> String {
    let words: Vec<String> = numbers.iter().map(|n| format!("CWE-{n}")).collect();
    words.join(", ")
}

fn code(text: &str) -> String {
    let inner: String = text
        .chars()
        .filter(|c| *c != '`' && !c.is_control())
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
            '*' | '[' | ']' | '|' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::finding::{Confidence, Location, RuleId, Severity};

    use super::*;

    fn finding(rule: &'static str, severity: Severity) -> Finding {
        Finding {
            rule: RuleId(rule),
            severity,
            confidence: Confidence::Sure,
            cwe: vec![613],
            requirements: Vec::new(),
            at: Location {
                file: "a`b.js".into(),
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

        let text = markdown("t", &[&low, &high], &[]);

        assert!(text.find("## B") < text.find("## A"), "{text}");
    }

    #[test]
    fn given_markup_in_a_name_when_written_then_it_stays_text() {
        let text = markdown("t", &[&finding("A", Severity::Low)], &[]);

        assert!(text.contains("`ab.js:3`"), "{text}");
        assert!(!text.contains("<b>"), "{text}");
    }
}
