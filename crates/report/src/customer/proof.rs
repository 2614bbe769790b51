//! The proof of concept: the requests that show a claim, and the lines that repeat them.

use std::fmt::Write as _;

use serde::Serialize;

use super::saved::{Exchange, Probe};

/// More steps than these are not printed for one claim; the rest is in the saved result.
const STEPS_MAX: usize = 8;
/// As much of a request or an answer as is printed.
const TEXT_MAX: usize = 1_500;
/// What stands for a password in what was saved.
const PASSWORD: &str = "(password)";
/// What stands in a token after its first four characters: this, digits, and a bracket.
const MARK: &str = "…[sha256:";

/// One step of a proof of concept.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Its number in the document, counted from one.
    pub number: usize,
    /// What the saved result calls the request.
    pub id: String,
    /// Which side asked.
    pub side: String,
    /// The first line of it: method and path.
    pub called: String,
    /// What came of it, in a few words.
    pub answered: String,
    /// Whether a check refers to it, rather than it being what led there.
    pub is_evidence: bool,
    /// The request.
    pub request: String,
    /// The answer.
    pub response: String,
    /// A line for a shell that asks the same.
    pub curl: String,
}

/// The steps of one claim, and how many more there were.
pub(super) fn steps(probe: &Probe, evidence: &[&str], numbered: &mut usize) -> (Vec<Step>, usize) {
    let place = |id: &str| probe.transcript.iter().position(|one| one.id == id);
    let places: Vec<usize> = evidence.iter().filter_map(|id| place(id)).collect();
    let (Some(first), Some(last)) = (places.iter().min(), places.iter().max()) else {
        return (Vec::new(), 0);
    };
    // What led to the first: the requests of the same side just before it.
    let side = &probe.transcript[*first].side;
    let before = probe.transcript[..*first].iter().rev();
    let led = before.take_while(|one| one.side == *side).take(3).count();
    let chosen: Vec<usize> = (first - led..=*last)
        .filter(|at| places.contains(at) || changes(&probe.transcript[*at]))
        .collect();
    // Where there are too many, the evidence goes before what led to it.
    let mut kept: Vec<usize> = if chosen.len() > STEPS_MAX {
        let (shown, other): (Vec<usize>, Vec<usize>) =
            chosen.iter().partition(|at| places.contains(at));
        shown.into_iter().chain(other).take(STEPS_MAX).collect()
    } else {
        chosen.clone()
    };
    kept.sort_unstable();
    let left_out = chosen.len() - kept.len();
    let steps = kept.into_iter().map(|at| {
        *numbered += 1;
        step(
            probe,
            &probe.transcript[at],
            places.contains(&at),
            *numbered,
        )
    });
    (steps.collect(), left_out)
}

fn changes(exchange: &Exchange) -> bool {
    !exchange.request.starts_with("GET ") && !exchange.request.starts_with("HEAD ")
}

fn step(probe: &Probe, exchange: &Exchange, is_evidence: bool, number: usize) -> Step {
    let request = Parts::of(&exchange.request);
    Step {
        number,
        id: exchange.id.clone(),
        side: exchange.side.clone(),
        called: format!("{} {}", request.method, request.path),
        answered: answered(&exchange.response),
        is_evidence,
        request: cut(&exchange.request),
        response: cut(&exchange.response),
        curl: request.curl(probe.target.starts_with("https:"), &exchange.side),
    }
}

fn answered(response: &str) -> String {
    let line = response.lines().next().unwrap_or_default();
    match line.strip_prefix("HTTP/1.1 ") {
        Some(status) => format!("answered with {}", status.trim()),
        None => "not answered".to_owned(),
    }
}

fn cut(text: &str) -> String {
    let shown: String = text.chars().take(TEXT_MAX).collect();
    if shown.len() < text.len() {
        format!("{shown}\n… (cut)")
    } else {
        shown
    }
}

/// A request in its parts.
struct Parts<'a> {
    method: &'a str,
    path: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let mut first = lines.next().unwrap_or_default().split(' ');
        Self {
            method: first.next().unwrap_or_default(),
            path: first.next().unwrap_or_default(),
            headers: lines
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| (name.trim(), value.trim()))
                .collect(),
            body,
        }
    }

    fn header(&self, name: &str) -> &'a str {
        let found = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| *value)
    }

    fn curl(&self, is_tls: bool, side: &str) -> String {
        let scheme = if is_tls { "https" } else { "http" };
        let url = format!("{scheme}://{}{}", self.header("host"), self.path);
        // Writing to a string cannot fail.
        let mut line = format!("curl -i {}", quoted(&url, side));
        if self.method != "GET" {
            let _ = write!(line, " \\\n  -X {}", quoted(self.method, side));
        }
        for (name, value) in &self.headers {
            // What curl says by itself, and what only this run could say.
            let own = [
                "host",
                "content-length",
                "connection",
                "accept-encoding",
                "x-session-probe",
            ];
            if own.contains(&name.to_ascii_lowercase().as_str()) {
                continue;
            }
            let _ = write!(
                line,
                " \\\n  -H {}",
                quoted(&format!("{name}: {value}"), side)
            );
        }
        if !self.body.is_empty() {
            let _ = write!(line, " \\\n  --data-raw {}", quoted(self.body, side));
        }
        line
    }
}

/// A text as one word of a shell. What was taken out of it becomes a variable, named for the side
/// whose secret it was.
fn quoted(text: &str, side: &str) -> String {
    let side: String = side
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let variable = if side.is_empty() {
        "SECRET".to_owned()
    } else {
        format!("SECRET_{side}")
    };
    let mut out = String::from("'");
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(PASSWORD) {
            out.push_str("'\"$PASSWORD\"'");
            rest = after;
        } else if let Some(after) = after_mark(rest) {
            let _ = write!(out, "'\"${variable}\"'");
            rest = after;
        } else {
            let c = rest.chars().next().expect("it is not empty");
            match c {
                '\'' => out.push_str("'\\''"),
                c if c.is_control() && c != '\n' => {}
                c => out.push(c),
            }
            rest = &rest[c.len_utf8()..];
        }
    }
    out.push('\'');
    out
}

/// What follows a masked token, if the text begins with one.
fn after_mark(text: &str) -> Option<&str> {
    let head = text.char_indices().nth(4).map_or(text.len(), |(at, _)| at);
    let marked = text[head..].strip_prefix(MARK);
    let end = |rest: &str| rest.find(']').filter(|at| *at <= 16);
    if let Some(rest) = marked {
        return end(rest).map(|at| &rest[at + 1..]);
    }
    // A short one shows nothing of itself.
    text.strip_prefix('…')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_masked_request_when_written_for_a_shell_then_variables_stand_for_what_is_masked() {
        let text = "POST /login?next=%2F HTTP/1.1\nHost: shop.test:3000\nCookie: sid=abcd…[sha256:0123456789ab]; x=…\nContent-Length: 9\n\nemail=o'hara&password=(password)";

        let line = Parts::of(text).curl(false, "A 1");

        assert_eq!(
            line,
            "curl -i 'http://shop.test:3000/login?next=%2F' \\\n  -X 'POST' \\\n  \
             -H 'Cookie: sid='\"$SECRET_A1\"'; x='\"$SECRET_A1\"'' \\\n  \
             --data-raw 'email=o'\\''hara&password='\"$PASSWORD\"''"
        );
    }

    #[test]
    fn given_a_request_made_to_break_out_when_written_for_a_shell_then_it_stays_one_word() {
        let line =
            Parts::of("GET /'$(reboot)`id` HTTP/1.1\nHost: a\nX: \"; rm -rf / #").curl(true, "A");

        assert_eq!(
            line,
            "curl -i 'https://a/'\\''$(reboot)`id`' \\\n  -H 'X: \"; rm -rf / #'"
        );
    }
}
