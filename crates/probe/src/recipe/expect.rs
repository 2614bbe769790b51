//! What tells an answer to somebody who is signed in from one to somebody who is not.

use super::Fault;
use super::request::statuses;
use super::template::{Template, Values};
use super::walk::{Faults, list, parsed};
use super::yaml::{Node, Value};
use crate::path::Path;

/// Conditions on an answer.
#[derive(Clone, Debug)]
pub(crate) enum Expect {
    /// All of them.
    All(Vec<Expect>),
    /// At least one of them.
    Any(Vec<Expect>),
    /// The status is one of these.
    Status(Vec<u16>),
    /// The value at this path is this text.
    Json(Path, Template),
    /// The body holds this text.
    Body(Template),
    /// The answer leads to this path, or one below it.
    Location(String),
}

/// What conditions are asked about.
pub(crate) struct Seen<'a> {
    pub(crate) status: u16,
    pub(crate) location: Option<&'a str>,
    pub(crate) body: &'a str,
    pub(crate) json: Option<&'a serde_json::Value>,
}

impl Expect {
    pub(super) fn read(node: Node, place: &str, faults: &mut Faults) -> Option<Self> {
        let line = node.line;
        let Value::Map(members) = node.value else {
            let words = "conditions are a map of status, json, body, location, all or any";
            faults.push(Fault::at(line, place, words));
            return None;
        };
        let mut all = Vec::new();
        for member in members {
            let place = format!("{place}.{}", member.key);
            let node = member.node;
            match member.key.as_str() {
                "status" => {
                    let mut numbers = Vec::new();
                    for item in list(node) {
                        numbers.extend(parsed(&item, &place, faults, statuses).unwrap_or_default());
                    }
                    all.push(Self::Status(numbers));
                }
                "json" => all.extend(Self::of_json(node, &place, faults)),
                "body" => all.extend(parsed(&node, &place, faults, Template::read).map(Self::Body)),
                "location" => all.extend(parsed(&node, &place, faults, |text| {
                    if text.starts_with('/') {
                        Ok(Self::Location(text.to_owned()))
                    } else {
                        Err("a location is a path, such as /login".to_owned())
                    }
                })),
                "any" | "all" => {
                    let inner = list(node)
                        .into_iter()
                        .filter_map(|item| Self::read(item, &place, faults))
                        .collect();
                    let is_any = member.key == "any";
                    all.push(if is_any {
                        Self::Any(inner)
                    } else {
                        Self::All(inner)
                    });
                }
                other => {
                    let words = format!(
                        "`{other}` is no condition; there are status, json, body, location, all, any"
                    );
                    faults.push(Fault::at(member.line, &place, words));
                }
            }
        }
        if all.is_empty() {
            faults.push(Fault::at(line, place, "a condition is missing here"));
            return None;
        }
        Some(Self::All(all))
    }

    fn of_json(node: Node, place: &str, faults: &mut Faults) -> Vec<Self> {
        let line = node.line;
        let Value::Map(members) = node.value else {
            let words =
                "json is a map of paths and texts, such as { \"$.email\": \"{{user.name}}\" }";
            faults.push(Fault::at(line, place, words));
            return Vec::new();
        };
        let mut all = Vec::new();
        for member in members {
            let path = Path::read(&member.key)
                .map_err(|words| faults.push(Fault::at(member.line, place, words)));
            let text = parsed(&member.node, place, faults, Template::read);
            if let (Ok(path), Some(text)) = (path, text) {
                all.push(Self::Json(path, text));
            }
        }
        all
    }

    /// Whether every way to meet it names the user in the body.
    pub(crate) fn names_the_user(&self) -> bool {
        match self {
            Self::All(all) => all.iter().any(Self::names_the_user),
            Self::Any(any) => !any.is_empty() && any.iter().all(Self::names_the_user),
            Self::Json(_, text) | Self::Body(text) => text.names_the_user(),
            Self::Status(_) | Self::Location(_) => false,
        }
    }

    /// The names in it.
    pub(crate) fn names(&self) -> Vec<&str> {
        match self {
            Self::All(inner) | Self::Any(inner) => inner.iter().flat_map(Self::names).collect(),
            Self::Json(_, text) | Self::Body(text) => text.names().collect(),
            Self::Status(_) | Self::Location(_) => Vec::new(),
        }
    }

    /// Whether an answer meets it. A name without a value is met by nothing.
    pub(crate) fn is_met(&self, seen: &Seen<'_>, values: &Values) -> bool {
        match self {
            Self::All(all) => all.iter().all(|one| one.is_met(seen, values)),
            Self::Any(any) => any.iter().any(|one| one.is_met(seen, values)),
            Self::Status(numbers) => numbers.contains(&seen.status),
            Self::Json(path, text) => {
                let found = seen.json.and_then(|json| path.text(json));
                found.is_some() && found == text.fill_plain(values).ok()
            }
            Self::Body(text) => text
                .fill_plain(values)
                .is_ok_and(|text| !text.is_empty() && seen.body.contains(&text)),
            Self::Location(path) => seen
                .location
                .is_some_and(|location| leads_to(location, path)),
        }
    }
}

/// Whether a location, relative or not, leads to a path or below it.
fn leads_to(location: &str, path: &str) -> bool {
    let own = match location.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => location,
    };
    let own = own.split(['?', '#']).next().unwrap_or(own);
    own.strip_prefix(path)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || path.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_location_when_compared_then_it_is_the_path_that_counts() {
        assert!(leads_to("/login", "/login"));
        assert!(leads_to("https://sso.test/login/step?next=%2F", "/login"));
        assert!(!leads_to("/login-help", "/login"));
        assert!(!leads_to("/home?next=/login", "/login"));
    }

    #[test]
    fn given_any_of_two_when_one_names_nobody_then_it_does_not_name_the_user() {
        let named = Expect::Body(Template::read("Hello {{user.name}}").unwrap());
        let status = Expect::Status(vec![200]);

        assert!(Expect::All(vec![status.clone(), named.clone()]).names_the_user());
        assert!(!Expect::Any(vec![status, named]).names_the_user());
    }
}
