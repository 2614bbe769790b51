//! What a command prints, as the book writes it: `…` stands for any text in a line, and a line
//! of only `…` for any number of lines.

const ANY: &str = "…";

/// Whether `printed` is what `expected` says.
pub(crate) fn matches(expected: &[String], printed: &str) -> bool {
    let expected: Vec<&str> = trimmed(expected.iter().map(String::as_str));
    lines_match(&expected, &trimmed(printed.lines()))
}

/// Without spaces at line ends and without empty lines at the end.
fn trimmed<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut lines: Vec<&str> = lines.map(str::trim_end).collect();
    while lines.last() == Some(&"") {
        lines.pop();
    }
    lines
}

fn lines_match(expected: &[&str], printed: &[&str]) -> bool {
    match expected.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first.trim() == ANY => {
            (0..=printed.len()).any(|skipped| lines_match(rest, &printed[skipped..]))
        }
        Some((first, rest)) => printed
            .split_first()
            .is_some_and(|(line, more)| line_matches(first, line) && lines_match(rest, more)),
    }
}

fn line_matches(expected: &str, line: &str) -> bool {
    let Some((head, tail)) = expected.split_once(ANY) else {
        return expected == line;
    };
    let Some(rest) = line.strip_prefix(head) else {
        return false;
    };
    let starts = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    starts.into_iter().any(|at| line_matches(tail, &rest[at..]))
}

#[test]
fn given_dots_in_a_line_when_compared_then_they_stand_for_any_text() {
    let expected = [r#"{"id":"ses_…","live":1}"#.to_owned()];

    assert!(matches(&expected, "{\"id\":\"ses_abc\",\"live\":1}\n"));
    assert!(!matches(&expected, r#"{"id":"ses_abc","live":2}"#));
    assert!(!matches(&expected, ""));
}

#[test]
fn given_a_line_of_dots_when_compared_then_it_stands_for_any_lines() {
    let expected = ["first", "…", "last"].map(str::to_owned);

    assert!(matches(&expected, "first\nlast"));
    assert!(matches(&expected, "first\n2\n3\nlast\n"));
    assert!(!matches(&expected, "first\n2\n3"));
}
