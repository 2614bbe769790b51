//! Texts with `{{names}}` in them, which stand for what is only known while the probe runs.

use std::collections::BTreeMap;

/// A text with names to be filled in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Part {
    Text(String),
    Name(String),
}

/// The names that are known when a request is made, with their values.
pub(crate) type Values = BTreeMap<String, String>;

impl Template {
    /// Reads a text. The error says what is wrong with it.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, after)) = after.split_once("}}") else {
                return Err("`{{` has no `}}`".to_owned());
            };
            let name = name.trim();
            let is_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            if name.is_empty() || !name.chars().all(is_name) {
                return Err("between `{{` and `}}` stands a name, such as user.name".to_owned());
            }
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Name(name.to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// The names in it.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Name(name) => Some(name.as_str()),
        })
    }

    /// Whether it speaks of the user.
    pub(crate) fn names_the_user(&self) -> bool {
        self.names()
            .any(|name| matches!(name, "user.name" | "user.identity"))
    }

    /// Fills the names in, each value written by `escape`. The error is the name that has none.
    pub(crate) fn fill(
        &self,
        values: &Values,
        escape: impl Fn(&str) -> String,
    ) -> Result<String, String> {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Name(name) => {
                    let value = values.get(name).ok_or_else(|| name.clone())?;
                    out.push_str(&escape(value));
                }
            }
        }
        Ok(out)
    }

    /// Fills the names in as they are.
    pub(crate) fn fill_plain(&self, values: &Values) -> Result<String, String> {
        self.fill(values, str::to_owned)
    }

    /// The text as it stands in the recipe.
    pub(crate) fn source(&self) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Name(name) => format!("{{{{{name}}}}}"),
        });
        parts.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_template_when_filled_then_values_are_escaped_and_text_is_not() {
        let template = Template::read("/u/{{ user.name }}?x=1").unwrap();
        let values = Values::from([("user.name".to_owned(), "a b".to_owned())]);

        let filled = template.fill(&values, |value| value.replace(' ', "%20"));

        assert_eq!(filled.as_deref(), Ok("/u/a%20b?x=1"));
        assert_eq!(
            template.fill_plain(&Values::new()),
            Err("user.name".to_owned())
        );
        assert_eq!(template.source(), "/u/{{user.name}}?x=1");
    }

    #[test]
    fn given_a_broken_template_when_read_then_it_says_what_stands_there() {
        assert!(Template::read("{{user").is_err());
        assert!(Template::read("{{user name}}").is_err());
        assert!(Template::read("{{}}").is_err());
    }
}
