//! One request as a recipe writes it: a first line, headers, and sections for the form, for what
//! is kept of the answer and for what has to be true of it.
//!
//! ```text
//! POST /login
//! X-Requested-With: probe
//! [Form]
//! email: {{user.name}}
//! [Captures]
//! token: json $.access_token
//! [Asserts]
//! status: 200 302
//! ```
//!
//! Without `[Form]`, what follows an empty line below the headers is the body, to the end; so is
//! what begins with `{`, below any section.

use super::Fault;
use super::template::Template;
use super::walk::Faults;
use crate::html::Selector;
use crate::path::Path;

/// One request of a step.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The line of the recipe that it begins on.
    pub(crate) line: usize,
    pub(crate) method: String,
    pub(crate) target: Template,
    pub(crate) headers: Vec<(String, Template)>,
    pub(crate) body: Body,
    pub(crate) captures: Vec<Capture>,
    pub(crate) statuses: Vec<u16>,
    pub(crate) follows: bool,
}

/// What a request carries.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    None,
    Form(Vec<(String, Template)>),
    Text(Template),
}

/// Something of an answer that is kept under a name.
#[derive(Clone, Debug)]
pub(crate) struct Capture {
    pub(crate) name: String,
    pub(crate) from: Source,
}

/// Where a capture is read.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Attribute(Selector, String),
    Json(Path),
    Header(String),
    Cookie(String),
}

#[derive(Clone, Copy, PartialEq)]
enum Section {
    Headers,
    Form,
    Captures,
    Asserts,
    Options,
    Body,
}

const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"];
/// Headers that the probe itself is answerable for.
const OWN_HEADERS: [&str; 8] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "cookie",
    "user-agent",
    "x-session-probe",
    "accept-encoding",
];

impl Request {
    /// A GET that no recipe wrote.
    pub(crate) fn get(path: &str) -> Self {
        Self {
            line: 0,
            method: "GET".to_owned(),
            target: Template::read(path).expect("a path is a template"),
            headers: Vec::new(),
            body: Body::None,
            captures: Vec::new(),
            statuses: Vec::new(),
            follows: false,
        }
    }

    /// Reads a request whose text begins on `line`.
    pub(super) fn read(text: &str, line: usize, place: &str, faults: &mut Faults) -> Option<Self> {
        let before = faults.len();
        let mut wrong = |line: usize, words: String| faults.push(Fault::at(line, place, words));
        let mut lines = (line..).zip(text.lines());
        let (_, first) = lines.next().unwrap_or((line, ""));
        let (method, target) = first_line(first).map_err(|words| wrong(line, words)).ok()?;
        let mut request = Self {
            line,
            method: method.to_owned(),
            target,
            ..Self::get("/")
        };
        let mut section = Section::Headers;
        let mut form = Vec::new();
        let mut body = String::new();
        let mut body_line = line;
        for (line, text) in lines {
            let bare = text.trim();
            if section == Section::Body {
                body.push_str(text);
                body.push('\n');
                continue;
            }
            if let Some(name) = bare.strip_prefix('[').and_then(|r| r.strip_suffix(']')) {
                section = match name {
                    "Form" => Section::Form,
                    "Captures" => Section::Captures,
                    "Asserts" => Section::Asserts,
                    "Options" => Section::Options,
                    _ => {
                        wrong(
                            line,
                            format!(
                                "`[{name}]` is no section; there are [Form], [Captures], [Asserts] and [Options]"
                            ),
                        );
                        continue;
                    }
                };
            } else if bare.starts_with('{') || bare.is_empty() && section == Section::Headers {
                section = Section::Body;
                body_line = line;
                if !bare.is_empty() {
                    body.push_str(text);
                    body.push('\n');
                }
            } else if bare.is_empty() || bare.starts_with('#') {
            } else if let Some((name, value)) = bare.split_once(':') {
                let result = request.entry(section, name.trim(), value.trim(), &mut form);
                if let Err(words) = result {
                    wrong(line, words);
                }
            } else {
                wrong(
                    line,
                    "a name, a colon and a value are expected here".to_owned(),
                );
            }
        }
        let body = body.trim_end();
        if !form.is_empty() && !body.is_empty() {
            wrong(
                body_line,
                "a request has a form or a body, not both".to_owned(),
            );
        }
        match (form.is_empty(), body.is_empty()) {
            (false, _) => request.body = Body::Form(form),
            (true, false) => match Template::read(body) {
                Ok(text) => request.body = Body::Text(text),
                Err(words) => wrong(body_line, words),
            },
            (true, true) => {}
        }
        (faults.len() == before).then_some(request)
    }

    fn entry(
        &mut self,
        section: Section,
        name: &str,
        value: &str,
        form: &mut Vec<(String, Template)>,
    ) -> Result<(), String> {
        match section {
            Section::Headers => {
                let is_token = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
                if name.is_empty() || !name.chars().all(is_token) {
                    return Err(format!("`{name}` is no name of a header"));
                }
                if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                    return Err(format!("`{name}` is set by the probe itself"));
                }
                self.headers.push((name.to_owned(), Template::read(value)?));
            }
            Section::Form => form.push((name.to_owned(), Template::read(value)?)),
            Section::Captures => self.captures.push(Capture {
                name: capture_name(name)?,
                from: source(value)?,
            }),
            Section::Asserts if name == "status" => self.statuses = statuses(value)?,
            Section::Asserts => return Err(format!("`{name}` is no assert; there is `status`")),
            Section::Options if name == "follow" => {
                self.follows = match value {
                    "true" => true,
                    "false" => false,
                    _ => return Err("follow is true or false".to_owned()),
                };
            }
            Section::Options => return Err(format!("`{name}` is no option; there is `follow`")),
            Section::Body => {}
        }
        Ok(())
    }

    /// The names that have to be known before it can be made.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let form: &[(String, Template)] = match &self.body {
            Body::Form(fields) => fields,
            _ => &[],
        };
        let text = match &self.body {
            Body::Text(text) => Some(text),
            _ => None,
        };
        self.target
            .names()
            .chain(self.headers.iter().flat_map(|(_, value)| value.names()))
            .chain(form.iter().flat_map(|(_, value)| value.names()))
            .chain(text.into_iter().flat_map(Template::names))
    }
}

/// Reads `POST /login`.
fn first_line(text: &str) -> Result<(&str, Template), String> {
    let text = text.trim();
    let (method, target) = text.split_once(' ').unwrap_or((text, ""));
    if !METHODS.contains(&method) {
        let methods = METHODS.join(", ");
        return Err(format!(
            "a request begins with its method and path, such as `POST /login`; methods: {methods}"
        ));
    }
    let target = target.trim();
    let is_path = target.starts_with('/') && !target.starts_with("//");
    let is_address = target.starts_with("http://") || target.starts_with("https://");
    if !(is_path || is_address) || target.contains(char::is_whitespace) {
        return Err(
            "after the method stands a path, such as /login, or an address in the scope, \
                    without spaces"
                .to_owned(),
        );
    }
    Ok((method, Template::read(target)?))
}

fn capture_name(name: &str) -> Result<String, String> {
    let fits = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    fits.then(|| name.to_owned())
        .ok_or_else(|| "a capture is named with letters, digits and _".to_owned())
}

/// Reads `css "…" attr NAME`, `json $…`, `header NAME` or `cookie NAME`.
fn source(text: &str) -> Result<Source, String> {
    let wrong = || {
        "a capture is one of: css \"input[name=_csrf]\" attr value, json $.token, header X-Token, \
         cookie XSRF-TOKEN"
            .to_owned()
    };
    let (kind, rest) = text.split_once(' ').ok_or_else(wrong)?;
    let rest = rest.trim();
    let bare = |text: &str| text.trim_matches('"').to_owned();
    match kind {
        "css" => {
            let (selector, attribute) = rest
                .strip_prefix('"')
                .and_then(|rest| rest.rsplit_once("\" attr "))
                .ok_or_else(wrong)?;
            let attribute = attribute.trim().to_ascii_lowercase();
            Ok(Source::Attribute(Selector::read(selector)?, attribute))
        }
        "json" => Path::read(&bare(rest)).map(Source::Json),
        "header" => Ok(Source::Header(bare(rest).to_ascii_lowercase())),
        "cookie" => Ok(Source::Cookie(bare(rest))),
        _ => Err(wrong()),
    }
}

/// Reads `200 302`, with commas or without.
pub(super) fn statuses(text: &str) -> Result<Vec<u16>, String> {
    let words = text
        .split([' ', ',', '[', ']'])
        .filter(|word| !word.is_empty());
    let numbers: Option<Vec<u16>> = words
        .map(|word| word.parse().ok().filter(|n| (100..600).contains(n)))
        .collect();
    numbers
        .filter(|numbers| !numbers.is_empty())
        .ok_or_else(|| "a status is a number from 100 to 599; several with spaces".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Request, String> {
        let mut faults = Vec::new();
        let request = Request::read(text, 10, "steps.x", &mut faults);
        request.ok_or_else(|| {
            let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
            texts.join("\n")
        })
    }

    #[test]
    fn given_all_sections_when_read_then_each_is_where_it_belongs() {
        let request = read(
            "POST /login?x={{a}}\nX-Y: {{b}}\n[Form]\nemail: {{user.name}}\n[Captures]\n\
             csrf: css \"input[name=_csrf]\" attr value\nt: json $.t\n[Asserts]\nstatus: 200 302\n\
             [Options]\nfollow: true",
        )
        .unwrap();

        assert_eq!(request.method, "POST");
        assert_eq!(request.names().collect::<Vec<_>>(), ["a", "b", "user.name"]);
        assert_eq!(request.captures.len(), 2);
        assert_eq!(request.statuses, [200, 302]);
        assert!(request.follows && matches!(request.body, Body::Form(_)));
    }

    #[test]
    fn given_a_body_when_read_then_it_begins_with_a_brace_or_after_an_empty_line() {
        for text in [
            "POST /x\n{\"a\": \"[Form]\"}",
            "POST /x\nX-A: b\n\n{\"a\": \"[Form]\"}\n",
        ] {
            let Body::Text(body) = read(text).unwrap().body else {
                panic!("a body")
            };
            assert_eq!(body.source(), "{\"a\": \"[Form]\"}");
        }
    }

    #[test]
    fn given_a_mistake_when_read_then_its_own_line_is_named() {
        let said =
            read("GET /x\n[Captures]\nok: json $.a\nbad: xpath //a\n[Formm]\na: b").unwrap_err();

        assert!(
            said.contains("line 13: steps.x: a capture is one of"),
            "{said}"
        );
        assert!(
            said.contains("line 14: steps.x: `[Formm]` is no section"),
            "{said}"
        );
        assert!(
            read("FETCH /x")
                .unwrap_err()
                .contains("begins with its method")
        );
        assert!(
            read("GET //evil.test/").is_err(),
            "an address without scheme"
        );
        assert!(
            read("GET /x\nCookie: a=b")
                .unwrap_err()
                .contains("set by the probe")
        );
    }
}
