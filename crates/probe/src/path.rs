//! Paths into JSON: `$`, `.name`, `["name"]`, `[0]` and `[*]`.

use serde_json::Value;

/// A path of JSON, of which `[*]` makes several values.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Path(Vec<Leg>);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Leg {
    Name(String),
    Index(usize),
    Each,
}

impl Path {
    /// Reads a path. The error says what is accepted.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("`{text}` is no path; accepted are paths like $.user.name, $[0] and $.items[*]")
        };
        let mut rest = text.strip_prefix('$').ok_or_else(wrong)?;
        let mut legs = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                if end == 0 {
                    return Err(wrong());
                }
                legs.push(Leg::Name(after[..end].to_owned()));
                rest = &after[end..];
            } else {
                let (inner, after) = rest
                    .strip_prefix('[')
                    .and_then(|r| r.split_once(']'))
                    .ok_or_else(wrong)?;
                let quoted = ['"', '\'']
                    .iter()
                    .find_map(|q| inner.strip_prefix(*q)?.strip_suffix(*q));
                legs.push(match (inner, quoted) {
                    ("*", _) => Leg::Each,
                    (_, Some(name)) => Leg::Name(name.to_owned()),
                    (index, None) => Leg::Index(index.parse().map_err(|_| wrong())?),
                });
                rest = after;
            }
        }
        Ok(Self(legs))
    }

    /// All values that it leads to.
    pub(crate) fn all<'a>(&self, root: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![root];
        for leg in &self.0 {
            found = found
                .into_iter()
                .flat_map(|value| match leg {
                    Leg::Name(name) => value.get(name).into_iter().collect::<Vec<_>>(),
                    Leg::Index(index) => value.get(index).into_iter().collect(),
                    Leg::Each => match value {
                        Value::Array(items) => items.iter().collect(),
                        Value::Object(members) => members.values().collect(),
                        _ => Vec::new(),
                    },
                })
                .collect();
        }
        found
    }

    /// The first value that it leads to, as text: what JSON writes of it, a string without its
    /// quotes. `null` is nothing.
    pub(crate) fn text(&self, root: &Value) -> Option<String> {
        self.all(root).into_iter().find_map(as_text)
    }
}

/// A value as text; nothing for `null`.
pub(crate) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn given_a_path_when_followed_then_it_finds_what_it_names() {
        let root = json!({"a": {"b c": [1, {"d": "x"}]}, "n": null});
        let find = |path: &str| Path::read(path).unwrap().text(&root);

        assert_eq!(find("$.a[\"b c\"][1].d").as_deref(), Some("x"));
        assert_eq!(find("$.a['b c'][0]").as_deref(), Some("1"));
        assert_eq!(find("$.n"), None);
        assert_eq!(find("$.a.missing"), None);
        assert_eq!(Path::read("$.a['b c'][*]").unwrap().all(&root).len(), 2);
    }

    #[test]
    fn given_what_is_no_path_when_read_then_it_is_refused() {
        for text in ["", "a", "$.", "$[", "$[x]", "$a", "$..a"] {
            assert!(Path::read(text).is_err(), "{text}");
        }
    }
}
