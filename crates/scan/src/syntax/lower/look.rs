//! Bounded looks into a subtree: the names and strings below it, and the path it reads as.

use tree_sitter::Node;

use super::super::language::Shape;
use super::super::node::{OBJECTS, PROPERTIES, first_field, last_named};
use super::Walk;

/// How many nodes one look into a subtree may visit.
const LOOK_MAX: usize = 400;
/// How many bytes of names one look may gather.
const NAMES_MAX: usize = 16_000;
/// How far a path may be chained.
const CHAIN_MAX: usize = 40;

/// What a bounded look into a subtree saw.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) names: String,
    pub(super) texts: Vec<String>,
}

impl<'a> Walk<'a> {
    /// Names and strings below a node, closures left out.
    pub(super) fn look(&self, root: Node<'a>) -> Seen {
        let mut seen = Seen::default();
        let mut stack = vec![root];
        let mut cursor = root.walk();
        let mut visited = 0;
        while let Some(node) = stack.pop() {
            visited += 1;
            if visited > LOOK_MAX || seen.names.len() > NAMES_MAX {
                break;
            }
            match self.shape(node) {
                Shape::Comment => continue,
                Shape::Function if node.id() != root.id() => continue,
                Shape::Name => {
                    if !seen.names.is_empty() {
                        seen.names.push(' ');
                    }
                    seen.names.push_str(self.text(node));
                }
                Shape::Text => seen.texts.push(self.literal(node)),
                _ => {}
            }
            if node.named_child_count() > 0 {
                let from = stack.len();
                // No more are visited, however many there are.
                stack.extend(node.named_children(&mut cursor).take(LOOK_MAX));
                stack[from..].reverse();
            }
        }
        let texts: usize = seen.texts.iter().map(String::len).sum();
        self.spend(seen.names.len() + texts);
        seen
    }

    /// What a string says, without its quotes; names filled into it are left as written.
    pub(super) fn literal(&self, node: Node<'_>) -> String {
        let text = self.text(node);
        let is_quoted = text.contains(['"', '\'']);
        let text = text.trim_start_matches(|c: char| c.is_ascii_alphabetic() && is_quoted);
        text.trim_start_matches(':')
            .trim_matches(['"', '\'', '`', '@', '$', '#'])
            .chars()
            .take(2_000)
            .collect()
    }

    /// The dotted path of an expression, or `?` where it has none.
    pub(super) fn path(&self, node: Node<'a>) -> String {
        let path = self.path_at(node, 0);
        self.spend(path.len());
        path
    }

    fn path_at(&self, node: Node<'a>, depth: usize) -> String {
        if depth > CHAIN_MAX {
            return "?".to_owned();
        }
        match self.shape(node) {
            Shape::Name => self
                .text(node)
                .trim_start_matches(['$', '@', ':', '#'])
                .to_owned(),
            Shape::Through => node
                .named_child(0)
                .map_or_else(|| "?".to_owned(), |inner| self.path_at(inner, depth + 1)),
            Shape::Member => {
                let object = first_field(node, &OBJECTS).or_else(|| node.named_child(0));
                let property = first_field(node, &PROPERTIES).or_else(|| last_named(node));
                let object = object.map_or_else(|| "?".to_owned(), |o| self.path_at(o, depth + 1));
                let property = property.map_or("?", |p| self.text(p));
                let property = property.split(['<', '(']).next().unwrap_or("");
                format!(
                    "{object}.{}",
                    property.trim_start_matches(['$', '?', '.', '#'])
                )
            }
            Shape::Subscript => {
                let object = first_field(node, &OBJECTS).or_else(|| node.named_child(0));
                let object = object.map_or_else(|| "?".to_owned(), |o| self.path_at(o, depth + 1));
                let index = last_named(node).map(|index| self.key(index, depth));
                match index {
                    Some(key) if !key.is_empty() => format!("{object}.{key}"),
                    _ => format!("{object}.[]"),
                }
            }
            Shape::Call => self.call_path(node, depth) + "()",
            Shape::Construct => {
                let built = first_field(node, &["constructor", "type", "name"])
                    .or_else(|| node.named_child(0));
                let built = built
                    .map_or("?", |b| self.text(b))
                    .split(['<', '('])
                    .next()
                    .unwrap_or("");
                format!("{}.new()", built.replace("::", ".").replace('\\', "."))
            }
            _ if node.named_child_count() == 0 && !self.text(node).is_empty() => {
                let text = self.text(node);
                if text.len() <= 60
                    && text
                        .chars()
                        .all(|c| c.is_alphanumeric() || "_$.-".contains(c))
                {
                    text.to_owned()
                } else {
                    "?".to_owned()
                }
            }
            _ if node.kind().ends_with("arguments")
                || node.kind() == "argument"
                || node.kind() == "pattern"
                || node.kind() == "generic_name"
                || node.kind() == "qualified_name"
                || node.kind() == "array_element_initializer"
                || node.kind() == "variable_declaration"
                || node.kind() == "directly_assignable_expression"
                || node.kind() == "left_assignment_list"
                || node.kind() == "bracketed_argument_list" =>
            {
                node.named_child(0)
                    .map_or_else(|| "?".to_owned(), |inner| self.path_at(inner, depth + 1))
            }
            _ => "?".to_owned(),
        }
    }

    /// The text of a subscript when it is a literal: `session["id"]` reads like `session.id`.
    fn key(&self, node: Node<'a>, depth: usize) -> String {
        match self.shape(node) {
            Shape::Text => self.literal(node),
            _ if depth < CHAIN_MAX
                && (node.kind().ends_with("argument")
                    || node.kind().ends_with("argument_list")) =>
            {
                node.named_child(0)
                    .map(|inner| self.key(inner, depth + 1))
                    .unwrap_or_default()
            }
            _ => String::new(),
        }
    }

    fn call_path(&self, node: Node<'a>, depth: usize) -> String {
        let callee = |field: &str| node.child_by_field_name(field);
        if let Some(function) = callee("function").or_else(|| callee("macro")) {
            return self.path_at(function, depth + 1);
        }
        let name = callee("name").or_else(|| callee("method"));
        let object = first_field(node, &["object", "receiver", "scope"]);
        match (object, name) {
            (Some(object), Some(name)) => {
                format!("{}.{}", self.path_at(object, depth + 1), self.text(name))
            }
            (None, Some(name)) => self.text(name).to_owned(),
            // Kotlin: what is called is the first child.
            _ => node
                .named_child(0)
                .map_or_else(|| "?".to_owned(), |first| self.path_at(first, depth + 1)),
        }
    }
}
