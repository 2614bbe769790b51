//! What one language writes with signs and another with a call, so that both read alike.

use tree_sitter::Node;

use super::super::language::Language;
use super::super::node::{end_line, is_number, last_named, line};
use super::super::outline::{Call, Compare};
use super::{Place, WRITTEN_MAX, Walk};

impl<'a> Walk<'a> {
    /// A method that is handed on by its name: whoever gets it calls it.
    pub(super) fn reference(&mut self, node: Node<'a>, place: &Place) {
        let (Some(of), Some(name)) = (node.named_child(0), last_named(node)) else {
            return;
        };
        let path = if self.text(node).starts_with("::") {
            self.text(name).to_owned()
        } else if of.id() == name.id() {
            format!("{}.new", self.path(of))
        } else {
            format!("{}.{}", self.path(of), self.text(name))
        };
        self.stand_in(node, place, path, Vec::new());
    }

    /// `sessions[5:]` as the call of `slice` that it is elsewhere, with where it begins and ends.
    pub(super) fn slice(&mut self, node: Node<'a>, place: &Place) {
        let field = |name: &str| node.child_by_field_name(name);
        let (object, from, to) = match self.language {
            Language::Go if node.kind() == "slice_expression" => {
                let text = |name: &str| field(name).map_or("", |n| self.text(n));
                (field("operand"), text("start"), text("end"))
            }
            Language::Python => {
                let part = field("subscript").filter(|part| part.kind() == "slice");
                let Some((from, to)) = part.and_then(|part| self.text(part).split_once(':')) else {
                    return;
                };
                let to = to.split(':').next().unwrap_or("");
                (field("value"), from, to)
            }
            _ => return,
        };
        let Some(object) = object else { return };
        let path = format!("{}.slice", self.path(object));
        let from = Some(names(from)).filter(|from| !from.is_empty());
        let arguments = vec![from.unwrap_or_else(|| "0".into()), names(to)];
        self.stand_in(node, place, path, arguments);
    }

    fn stand_in(&mut self, node: Node<'a>, place: &Place, path: String, arguments: Vec<String>) {
        let into = self.variable();
        self.out.calls.push(Call {
            path,
            names: arguments.join(" "),
            texts: Vec::new(),
            arguments,
            line: line(node),
            end_line: end_line(node),
            function: place.function,
            closures: Vec::new(),
            into,
        });
    }

    /// A field with its type, whichever of the two the language writes first.
    pub(super) fn field(&mut self, node: Node<'a>) {
        let field = |of: Node<'a>, name: &str| of.child_by_field_name(name);
        // C# has a declaration of variables in its declaration of a field.
        let mut cursor = node.walk();
        let inner = node
            .named_children(&mut cursor)
            .find(|c| c.kind() == "variable_declaration");
        let within = inner.unwrap_or(node);
        let name = field(within, "declarator")
            .and_then(|d| field(d, "name"))
            .or_else(|| field(within, "name"))
            .or_else(|| {
                let mut cursor = within.walk();
                let mut children = within.named_children(&mut cursor);
                let declarator = children.find(|c| c.kind() == "variable_declarator");
                declarator.and_then(|d| field(d, "name").or_else(|| d.named_child(0)))
            });
        let (Some(name), Some(class)) = (name, field(within, "type")) else {
            return;
        };
        let class = self.text(class).split('<').next().unwrap_or("");
        let class = class
            .rsplit(['.', '*', '&', '?', '\\', ':'])
            .find(|part| !part.is_empty());
        let name = self.text(name).trim_start_matches('$');
        let Some(class) = class.filter(|c| c.starts_with(char::is_uppercase)) else {
            return;
        };
        self.spend(name.len() + class.len());
        self.out.fields.push((name.to_owned(), class.to_owned()));
    }

    /// `!a.equals(b)` compares as `a != b` does.
    pub(super) fn equality(
        &mut self,
        node: Node<'a>,
        path: &str,
        arguments: Option<Node<'a>>,
        place: &Place,
    ) {
        let Some((receiver, "equals" | "Equals")) = path.rsplit_once('.') else {
            return;
        };
        let given = |at: u32| arguments.and_then(|list| list.named_child(at));
        let (left, right) = match (given(0), given(1)) {
            (Some(left), Some(right)) => (self.side(left), self.side(right)),
            (Some(right), None) => (receiver.to_owned(), self.side(right)),
            (None, _) => return,
        };
        let is_negated = self
            .above
            .last()
            .is_some_and(|parent| self.text(*parent).starts_with('!'));
        self.out.compares.push(Compare {
            left,
            operator: if is_negated { "!=" } else { "==" }.to_owned(),
            right,
            line: line(node),
            function: place.function,
        });
    }

    /// One side of a comparison: its path, or what is written where the path leaves out what
    /// counts, as in `len(sessions)`.
    pub(super) fn side(&self, node: Node<'a>) -> String {
        let path = self.path(node);
        let is_bare_call = path.ends_with("()") && !path.contains('.');
        if path == "?" || is_bare_call {
            self.text(node).chars().take(WRITTEN_MAX).collect()
        } else {
            path
        }
    }
}

/// The names in one end of a slice with its sign, or the number it is.
fn names(text: &str) -> String {
    let text = text.trim();
    if is_number(text) {
        return text.replace('_', "");
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    let is_name = |word: &&str| word.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(is_name)
        .take(16)
        .collect();
    format!("{sign}{}", words.join(" "))
}
