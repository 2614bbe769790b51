//! Walking the tree of a recipe: each key is asked for by name, and what nobody asked for is a
//! mistake that names its line and the nearest key there is.

use super::Fault;
use super::yaml::{Member, Node, Value};

/// All mistakes of a recipe, in the order of their lines.
pub(super) type Faults = Vec<Fault>;

/// A map of which keys are taken one after another.
pub(super) struct Map {
    pub(super) place: String,
    pub(super) line: usize,
    members: Vec<Member>,
    asked: Vec<&'static str>,
}

impl Map {
    pub(super) fn of(node: Node, place: &str, faults: &mut Faults) -> Self {
        let line = node.line;
        let members = match node.value {
            Value::Map(members) => members,
            other => {
                faults.push(Fault::at(
                    line,
                    place,
                    format!("a map is expected here, not {}", other.kind()),
                ));
                Vec::new()
            }
        };
        Self {
            place: place.to_owned(),
            line,
            members,
            asked: Vec::new(),
        }
    }

    /// Takes a key that may be left out.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Node> {
        self.asked.push(key);
        let at = self.members.iter().position(|m| m.key == key)?;
        Some(self.members.remove(at).node)
    }

    /// Takes a key that has to be there.
    pub(super) fn need(
        &mut self,
        key: &'static str,
        why: &str,
        faults: &mut Faults,
    ) -> Option<Node> {
        let taken = self.take(key);
        if taken.is_none() {
            let words = format!("`{key}` is missing: {why}");
            faults.push(Fault::at(self.line, &self.place, words));
        }
        taken
    }

    /// The place of a key, for messages.
    pub(super) fn at(&self, key: &str) -> String {
        if self.place.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.place)
        }
    }

    /// Takes all that is left, with names of the author's own.
    pub(super) fn rest(&mut self) -> Vec<Member> {
        std::mem::take(&mut self.members)
    }

    /// Ends the walk: what is left was not asked for.
    pub(super) fn end(self, faults: &mut Faults) {
        for member in self.members {
            let near = self
                .asked
                .iter()
                .map(|known| (strsim::damerau_levenshtein(known, &member.key), *known))
                .min()
                .filter(|(distance, _)| *distance <= 2)
                .map(|(_, known)| format!("; did you mean `{known}`?"));
            let near = near.unwrap_or_else(|| format!("; known here: {}", self.asked.join(", ")));
            let words = format!("`{}` is no key{near}", member.key);
            faults.push(Fault::at(member.line, &self.place, words));
        }
    }
}

/// A text, or a mistake.
pub(super) fn text(node: &Node, place: &str, faults: &mut Faults) -> Option<String> {
    match &node.value {
        Value::Scalar(text) if !text.is_empty() => Some(text.clone()),
        Value::Scalar(_) => {
            faults.push(Fault::at(node.line, place, "a text is missing here"));
            None
        }
        other => {
            let words = format!("a text is expected here, not {}", other.kind());
            faults.push(Fault::at(node.line, place, words));
            None
        }
    }
}

/// A list, or one value that stands for a list of one.
pub(super) fn list(node: Node) -> Vec<Node> {
    match node.value {
        Value::List(items) => items,
        value => vec![Node {
            line: node.line,
            value,
        }],
    }
}

/// A text that `read` understands, or a mistake with its words.
pub(super) fn parsed<T>(
    node: &Node,
    place: &str,
    faults: &mut Faults,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let text = text(node, place, faults)?;
    read(&text)
        .map_err(|words| faults.push(Fault::at(node.line, place, words)))
        .ok()
}
