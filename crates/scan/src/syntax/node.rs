//! Questions about one node that need no more than the node.

use tree_sitter::Node;

use super::outline::Annotation;

/// Does a node of this kind bring a name into being?
pub(super) fn is_declaration(kind: &str) -> bool {
    matches!(
        kind,
        "variable_declarator"
            | "public_field_definition"
            | "field_definition"
            | "short_var_declaration"
            | "var_spec"
            | "const_spec"
            | "let_declaration"
            | "static_item"
            | "const_item"
            | "property_declaration"
            | "property_element"
    )
}

/// A whole number as it stands in source, with or without a sign.
pub(super) fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    text.len() <= 20
        && digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || c == '_')
}

/// A value that switches something on or off, or nothing, as languages write it.
pub(super) fn is_switch(text: &str) -> bool {
    matches!(
        text,
        "true" | "false" | "True" | "False" | "null" | "nil" | "None"
    )
}

/// Is what follows these attributes there for tests only, as `#[cfg(test)] mod tests` is?
pub(super) fn is_test_only(before: &[Annotation]) -> bool {
    before.iter().any(|a| {
        let written = a.written.trim();
        a.path.rsplit('.').next() == Some("test") || a.path == "cfg" && written.ends_with(" test")
    })
}

pub(super) const OBJECTS: [&str; 8] = [
    "object",
    "operand",
    "value",
    "receiver",
    "expression",
    "path",
    "scope",
    "argument",
];
pub(super) const PROPERTIES: [&str; 5] = ["property", "attribute", "field", "name", "method"];

pub(super) fn first_field<'t>(node: Node<'t>, fields: &[&str]) -> Option<Node<'t>> {
    fields
        .iter()
        .find_map(|field| node.child_by_field_name(field))
}

pub(super) fn arguments(node: Node<'_>) -> Option<Node<'_>> {
    first_field(node, &["arguments", "body"]).or_else(|| {
        let mut cursor = node.walk();
        node.named_children(&mut cursor).find(|child| {
            matches!(
                child.kind(),
                "value_arguments" | "token_tree" | "call_suffix" | "argument_list" | "arguments"
            )
        })
    })
}

pub(super) fn target(node: Node<'_>) -> Option<Node<'_>> {
    let target = first_field(
        node,
        &[
            "left", "name", "key", "pattern", "property", "field", "target",
        ],
    )
    .or_else(|| node.named_child(0))?;
    Some(only(target))
}

/// The names that a target takes apart what it is given into: `const { a, b: [c] } = …`, `a, b = …`.
pub(super) fn takes_apart(node: Node<'_>) -> Option<Node<'_>> {
    let target = first_field(node, &["left", "name", "pattern"]).or_else(|| node.named_child(0))?;
    let is_list = target.kind() == "expression_list" && target.named_child_count() > 1;
    let is_pattern = matches!(
        target.kind(),
        "object_pattern"
            | "array_pattern"
            | "pattern_list"
            | "tuple_pattern"
            | "list_pattern"
            | "list_literal"
            | "left_assignment_list"
            | "multi_variable_declaration"
    );
    (is_list || is_pattern).then_some(target)
}

/// Go lists what it assigns to and from, even when there is one, and wraps what stands in a literal.
fn only(node: Node<'_>) -> Node<'_> {
    match node.kind() {
        "expression_list" | "literal_element" => node.named_child(0).unwrap_or(node),
        _ => node,
    }
}

pub(super) fn value(node: Node<'_>) -> Option<Node<'_>> {
    let value = first_field(node, &["right", "value"]).or_else(|| {
        (node.named_child_count() > 1)
            .then(|| last_named(node))
            .flatten()
    })?;
    Some(only(value))
}

pub(super) fn last_named(node: Node<'_>) -> Option<Node<'_>> {
    node.named_child(u32::try_from(node.named_child_count().checked_sub(1)?).ok()?)
}

pub(super) fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or("")
}

pub(super) fn line(node: Node<'_>) -> u32 {
    u32::try_from(node.start_position().row + 1).unwrap_or(u32::MAX)
}

pub(super) fn end_line(node: Node<'_>) -> u32 {
    u32::try_from(node.end_position().row + 1).unwrap_or(u32::MAX)
}

/// The line on which the method of a call is named: in a chain over several lines, its own.
pub(super) fn method_line(node: Node<'_>) -> u32 {
    let callee = node.child_by_field_name("function");
    let named = first_field(node, &["name", "method"])
        .or_else(|| callee.and_then(|f| first_field(f, &PROPERTIES)));
    named.map_or_else(|| line(node), line)
}
