//! One walk over a syntax tree that leaves an outline.
//!
//! The walk keeps its own stack, and every look into a subtree is bounded, so that source nested
//! a million deep costs time in proportion to its length and never the program's stack.

mod look;
mod stand_in;

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::Instant;

use tree_sitter::{Node, ParseOptions, Parser, TreeCursor};

use super::language::{Language, Shape, shapes};
use super::node::{
    arguments, end_line, is_declaration, is_number, is_switch, is_test_only, last, last_named,
    line, method_line, takes_apart, target, value,
};
use super::outline::{Annotation, Assign, Call, Compare, Function, Outline};
use super::route;

/// How much of a value is kept as written.
const WRITTEN_MAX: usize = 200;

/// How many words and signs a file may have. Each may become nodes of some hundred bytes, so that
/// two megabytes of brackets would cost half a gigabyte. Code that people write has one for every
/// four bytes or so, which leaves the largest file that is read below this.
const TOKENS_MAX: usize = 600_000;
/// How many bytes of names and strings may be gathered. They are written down again for each call
/// around them, which costs much where calls stand in calls and names are long.
const OUTLINE_MAX: usize = 24 << 20;
/// How many functions and calls a file may have. Each is asked about the others when it is judged.
const FUNCTIONS_MAX: usize = 10_000;
const CALLS_MAX: usize = 60_000;
/// How many parts of a list that takes a value apart are looked at, and how many names it may give.
const LIST_MAX: usize = 64;
const PARTS_MAX: usize = 16;
/// How many nodes are visited between two looks at the clock.
const STEPS: u32 = 64;

/// Why a file has no outline.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unparsed {
    /// The time budget ran out.
    Time,
    /// There is more in it than anybody writes by hand.
    Size,
}

/// Reduces a file to its outline, or says that the deadline came first.
pub(crate) fn outline(
    language: Language,
    file: &str,
    source: &str,
    deadline: Instant,
) -> Result<Outline, Unparsed> {
    if tokens(source) > TOKENS_MAX {
        return Err(Unparsed::Size);
    }
    let mut parser = Parser::new();
    parser
        .set_language(&language.grammar())
        .expect("the grammars are built for this parser");
    let bytes = source.as_bytes();
    let mut in_time = |_: &tree_sitter::ParseState| {
        if Instant::now() > deadline {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let tree = parser
        .parse_with_options(
            &mut |offset, _| bytes.get(offset..).unwrap_or_default(),
            None,
            Some(ParseOptions::new().progress_callback(&mut in_time)),
        )
        .ok_or(Unparsed::Time)?;

    let mut walk = Walk {
        language,
        shapes: shapes(language),
        source: bytes,
        out: Outline::default(),
        hints: HashMap::new(),
        attached: HashMap::new(),
        above: Vec::new(),
        spent: Cell::new(0),
    };
    walk.run(tree.root_node(), deadline)?;
    let mut out = walk.out;
    out.routes = route::routes(language, file, &out);
    if matches!(
        language,
        Language::JavaScript | Language::TypeScript | Language::Tsx
    ) {
        out.is_client = head(source) == Some("use client");
        out.is_server = source
            .lines()
            .any(|line| directive(line) == Some("use server"));
    }
    Ok(out)
}

/// What a script says of itself before anything else, under its comments.
fn head(source: &str) -> Option<&str> {
    let mut rest = source.trim_start_matches('\u{feff}').trim_start();
    loop {
        let after = if let Some(comment) = rest.strip_prefix("//") {
            comment.split_once('\n')?.1
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/")?.1
        } else {
            return directive(rest.lines().next()?);
        };
        rest = after.trim_start();
    }
}

/// A string that stands where a statement would: `"use client";`.
fn directive(line: &str) -> Option<&str> {
    let line = line.trim();
    let quote = line.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (text, rest) = line[1..].split_once(quote)?;
    matches!(rest.chars().next(), None | Some(';' | ' ')).then_some(text)
}

/// Words and signs of a text, whatever the language: a run of letters and digits is one, and so is
/// every other character that is no blank.
fn tokens(source: &str) -> usize {
    let mut goes_on = false;
    let mut count = 0;
    for byte in source.bytes() {
        let is_word = byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii();
        let is_counted = !(byte.is_ascii_whitespace() || is_word && goes_on);
        count += usize::from(is_counted);
        goes_on = is_word;
    }
    count
}

/// Where in the file the walk stands.
#[derive(Clone, Debug, Default)]
struct Place {
    function: Option<usize>,
    class: Rc<str>,
    call: Option<usize>,
}

struct Walk<'a> {
    language: Language,
    shapes: &'static [Shape],
    source: &'a [u8],
    out: Outline,
    /// Names for functions that have none of their own, by node.
    hints: HashMap<usize, String>,
    /// Annotations that stand before what they are about, by the node they are about.
    attached: HashMap<usize, Vec<Annotation>>,
    /// What the node at hand stands in, outermost first. The parser finds a parent by coming down
    /// from the root, past every sibling on the way: too slow for a file of one long list.
    above: Vec<Node<'a>>,
    /// Bytes of names and strings that were gathered so far.
    spent: Cell<usize>,
}

impl<'a> Walk<'a> {
    fn run(&mut self, root: Node<'a>, deadline: Instant) -> Result<(), Unparsed> {
        let mut stack = vec![(root, 0, Place::default())];
        let mut steps = 0_u32;
        let mut cursor = root.walk();
        while let Some((node, depth, mut place)) = stack.pop() {
            steps = steps.wrapping_add(1);
            if steps.is_multiple_of(STEPS) && Instant::now() > deadline {
                return Err(Unparsed::Time);
            }
            if self.spent.get() > OUTLINE_MAX
                || self.out.functions.len() > FUNCTIONS_MAX
                || self.out.calls.len() > CALLS_MAX
            {
                return Err(Unparsed::Size);
            }
            self.above.truncate(depth);
            match self.shape(node) {
                Shape::Comment => {
                    self.comment(node);
                    continue;
                }
                Shape::Import => {
                    self.import(node);
                    continue;
                }
                Shape::Function => self.function(node, &mut place),
                Shape::Class => self.class(node, &mut place),
                Shape::Call | Shape::Construct => self.call(node, &mut place),
                Shape::Reference => self.reference(node, &place),
                Shape::Slice | Shape::Subscript => self.slice(node, &place),
                Shape::Assign => self.assign(node, &place, false),
                Shape::Field => self.field(node),
                Shape::Pair => self.assign(node, &place, true),
                Shape::Compare => self.compare(node, &place),
                Shape::Annotation
                    if self.language != Language::CSharp || node.kind() != "attribute_list" =>
                {
                    self.annotation(node, &place);
                    continue;
                }
                Shape::Name => self.name(node, &place),
                _ if self.language == Language::Python && node.kind() == "global_statement" => {
                    self.global(node, &place);
                }
                _ => {}
            }
            if node.named_child_count() > 0 {
                self.above.push(node);
                self.push_children(node, &place, &mut cursor, &mut stack);
            }
        }
        Ok(())
    }

    fn push_children(
        &mut self,
        node: Node<'a>,
        place: &Place,
        cursor: &mut TreeCursor<'a>,
        stack: &mut Vec<(Node<'a>, usize, Place)>,
    ) {
        let children: Vec<Node<'a>> = node.named_children(cursor).collect();
        let mut pending: Vec<Annotation> = Vec::new();
        let mut tests: HashSet<usize> = HashSet::new();
        for child in &children {
            if is_test_only(&pending) && self.shape(*child) != Shape::Annotation {
                tests.insert(child.id());
            }
            match self.shape(*child) {
                Shape::Annotation
                    if node.kind() != "modifiers" && self.language != Language::CSharp =>
                {
                    pending.push(self.read_annotation(*child));
                    self.attached.entry(child.id()).or_default();
                }
                Shape::Function | Shape::Class if !pending.is_empty() => {
                    self.attached
                        .insert(child.id(), std::mem::take(&mut pending));
                }
                Shape::Comment => {}
                _ if child.kind() == "export_statement"
                    || child.kind() == "decorated_definition" => {}
                _ => pending.clear(),
            }
        }
        stack.extend(
            children
                .into_iter()
                .filter(|child| !tests.contains(&child.id()))
                .rev()
                .map(|child| (child, self.above.len(), place.clone())),
        );
    }

    fn spend(&self, bytes: usize) {
        self.spent.set(self.spent.get() + bytes);
    }

    fn shape(&self, node: Node<'_>) -> Shape {
        self.shapes
            .get(usize::from(node.kind_id()))
            .copied()
            .unwrap_or(Shape::Other)
    }

    fn text(&self, node: Node<'_>) -> &'a str {
        self.source
            .get(node.byte_range())
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .unwrap_or("")
    }

    /// A comment is looked at for one thing only: a request to leave a finding out.
    fn comment(&mut self, node: Node<'a>) {
        let text = self.text(node);
        let Some((_, rest)) = text.split_once("innkeeper-allow:") else {
            return;
        };
        let rest = rest.trim_end_matches("*/").trim();
        let (rule, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let reason = reason.trim_start_matches(['-', ':', ' ']).trim();
        self.out
            .suppressions
            .push((line(node), rule.to_owned(), reason.to_owned()));
    }

    fn import(&mut self, node: Node<'a>) {
        let seen = self.look(node);
        match seen.texts.as_slice() {
            [] => self.out.brought.push((seen.names, String::new())),
            // Go lists several modules in one declaration, and they name themselves.
            texts => {
                self.spend(seen.names.len() * texts.len());
                let brought = texts.iter().map(|text| (seen.names.clone(), text.clone()));
                self.out.brought.extend(brought);
            }
        }
        if seen.texts.is_empty() {
            let text: String = self.text(node).chars().take(WRITTEN_MAX).collect();
            self.out.imports.push(text);
        } else {
            self.out.imports.extend(seen.texts);
        }
    }

    fn function(&mut self, node: Node<'a>, place: &mut Place) {
        let own = ["name", "declarator"]
            .iter()
            .find_map(|field| node.child_by_field_name(field))
            .map(|name| self.text(name).to_owned())
            .or_else(|| {
                // Kotlin names its functions without a field.
                let mut cursor = node.walk();
                (node.kind() == "function_declaration")
                    .then(|| {
                        node.named_children(&mut cursor)
                            .find(|c| self.shape(*c) == Shape::Name)
                    })
                    .flatten()
                    .map(|name| self.text(name).to_owned())
            });
        let hint = self.hints.remove(&node.id());
        let mut class = place.class.to_string();
        if let Some(receiver) = node.child_by_field_name("receiver") {
            // Go: the last name of the receiver is its type.
            let names = self.look(receiver).names;
            names
                .split(' ')
                .next_back()
                .unwrap_or("")
                .clone_into(&mut class);
        }
        let attached = self.attached.remove(&node.id()).unwrap_or_default();
        let index = self.out.functions.len();
        let parameters = node
            .child_by_field_name("parameters")
            .or_else(|| node.child_by_field_name("parameter"))
            .map(|p| self.look(p).names)
            .unwrap_or_default();
        self.out.functions.push(Function {
            name: own.or(hint).unwrap_or_default(),
            class: class.clone(),
            line: line(node),
            end_line: end_line(node),
            parent: place.function,
            annotations: attached.iter().map(|a| a.written.clone()).collect(),
            parameters,
            globals: String::new(),
            names: String::new(),
        });
        for mut annotation in attached {
            annotation.function = Some(index);
            annotation.class.clone_from(&class);
            self.out.annotations.push(annotation);
        }
        if let Some(call) = place.call
            && let Some(call) = self.out.calls.get_mut(call)
        {
            call.closures.push(index);
        }
        place.function = Some(index);
        place.call = None;
        place.class = class.into();
    }

    fn class(&mut self, node: Node<'a>, place: &mut Place) {
        let name = ["name", "type"]
            .iter()
            .find_map(|field| node.child_by_field_name(field))
            .or_else(|| {
                let mut cursor = node.walk();
                node.named_children(&mut cursor)
                    .find(|c| self.shape(*c) == Shape::Name)
            })
            .map(|name| self.text(name).split('<').next().unwrap_or("").to_owned())
            .unwrap_or_default();
        for mut annotation in self.attached.remove(&node.id()).unwrap_or_default() {
            annotation.class.clone_from(&name);
            self.out.annotations.push(annotation);
        }
        let bases = ["superclasses", "superclass", "interfaces"]
            .iter()
            .filter_map(|field| node.child_by_field_name(field))
            .map(|bases| self.look(bases).names);
        let bases: Vec<String> = bases.collect();
        if !bases.is_empty() {
            self.out.classes.push((name.clone(), bases.join(" ")));
        }
        place.class = name.into();
        place.function = None;
        place.call = None;
    }

    fn call(&mut self, node: Node<'a>, place: &mut Place) {
        let path = self.path(node);
        let mut path = path.strip_suffix("()").unwrap_or(&path).to_owned();
        // Kotlin: `get("/") { … }` is a call of `get("/")` by its grammar, and of `get` to a reader.
        if self.language == Language::Kotlin
            && last_named(node).is_some_and(|last| last.kind() == "annotated_lambda")
        {
            path.truncate(path.strip_suffix("()").unwrap_or(&path).len());
        }
        let arguments = arguments(node);
        // What C# registers stands between angle brackets: `AddSingleton<CallerService>()`.
        let within = if path.ends_with(".AddSingleton") {
            Some(node)
        } else {
            arguments
        };
        let names = within.map(|a| self.look(a).names).unwrap_or_default();
        let each = arguments.map(|list| {
            let mut cursor = list.walk();
            let children: Vec<Node<'a>> = list.named_children(&mut cursor).collect();
            children
                .into_iter()
                .filter(|child| self.shape(*child) != Shape::Comment)
                .take(16)
                .map(|child| {
                    if self.shape(child) == Shape::Function {
                        return String::new();
                    }
                    let names = self.look(child).names;
                    let text = self.text(child);
                    if names.is_empty() && is_number(text) {
                        return text.replace('_', "");
                    }
                    if names.is_empty() && is_switch(text) {
                        return text.to_ascii_lowercase();
                    }
                    // Where a list is cut, the sign says from which end.
                    if text.starts_with('-') {
                        return format!("-{names}");
                    }
                    names
                })
                .collect()
        });
        let texts = self.look(node).texts;
        if path == "require" {
            self.out.imports.extend(texts.first().cloned());
            let module = texts.first().cloned().unwrap_or_default();
            self.out.brought.push((self.names_given(), module));
        }
        self.equality(node, &path, arguments, place);
        let index = self.out.calls.len();
        self.out.calls.push(Call {
            path,
            names,
            texts,
            arguments: each.unwrap_or_default(),
            line: method_line(node),
            end_line: end_line(node),
            function: place.function,
            closures: Vec::new(),
            into: self.variable(),
        });
        place.call = Some(index);
    }

    /// The variable that the result of the call at hand is given to, when to one directly.
    fn variable(&self) -> String {
        for parent in self.above.iter().rev().take(4) {
            match self.shape(*parent) {
                Shape::Assign => {
                    let target = target(*parent);
                    return target.map(|t| self.path(t)).unwrap_or_default();
                }
                Shape::Through => {}
                _ => break,
            }
        }
        String::new()
    }

    fn assign(&mut self, node: Node<'a>, place: &Place, is_pair: bool) {
        let Some(target) = target(node) else { return };
        let value = value(node);
        let apart = takes_apart(node).filter(|_| !is_pair);
        let target_path = if self.shape(target) == Shape::Text {
            self.literal(target)
        } else {
            self.path(target)
        };
        if let Some(value) = value
            && self.shape(value) == Shape::Function
        {
            self.hints.insert(value.id(), last(&target_path).to_owned());
        }
        let seen = value.map(|v| self.look(v)).unwrap_or_default();
        let key = (self.shape(target) == Shape::Subscript)
            .then(|| last_named(target))
            .flatten();
        let assign = Assign {
            target: target_path,
            key: key.map(|key| self.look(key).names).unwrap_or_default(),
            written: value
                .filter(|v| self.shape(*v) != Shape::Function)
                .map(|v| self.text(v).chars().take(WRITTEN_MAX).collect())
                .unwrap_or_default(),
            names: seen.names,
            texts: if place.function.is_none() && place.class.is_empty() && !is_pair {
                seen.texts
            } else {
                Vec::new()
            },
            declared: self.declared(node),
            line: line(node),
            function: place.function,
            class: place.class.to_string(),
            declares: is_declaration(node.kind()),
            is_static: place.function.is_none() && self.is_static(node),
            holder: place.call,
        };
        if is_pair {
            self.out.pairs.push(assign);
            return;
        }
        let names = apart.map(|target| self.parts(target)).unwrap_or_default();
        if names.is_empty() {
            self.out.assigns.push(assign);
            return;
        }
        self.spend(names.len() * (assign.names.len() + assign.written.len()));
        self.out
            .assigns
            .extend(names.into_iter().map(|target| Assign {
                target,
                ..assign.clone()
            }));
    }

    /// The names of the type that a name is declared with, or nothing.
    fn declared(&self, node: Node<'a>) -> String {
        let own = node.child_by_field_name("type");
        let is_part = matches!(node.kind(), "variable_declarator" | "property_element");
        let around = || {
            let parent = self.above.last().filter(|_| is_part)?;
            parent.child_by_field_name("type")
        };
        own.or_else(around)
            .map(|declared| self.look(declared).names)
            .unwrap_or_default()
    }

    /// The paths that a value is taken apart into, in the order they are written.
    fn parts(&self, target: Node<'a>) -> Vec<String> {
        let mut out = Vec::new();
        let mut stack = vec![target];
        let mut visited = 0;
        while let Some(node) = stack.pop() {
            visited += 1;
            if visited > LIST_MAX || out.len() >= PARTS_MAX {
                break;
            }
            match (node.kind(), self.shape(node)) {
                // `{ key: name }` and `{ name = otherwise }`.
                ("pair_pattern", _) => stack.extend(node.child_by_field_name("value")),
                ("object_assignment_pattern" | "assignment_pattern", _) => {
                    stack.extend(node.child_by_field_name("left"));
                }
                (_, Shape::Name | Shape::Member | Shape::Subscript) => {
                    let path = self.path(node);
                    if path != "_" {
                        out.push(path);
                    }
                }
                _ => {
                    let from = stack.len();
                    let mut cursor = node.walk();
                    stack.extend(node.named_children(&mut cursor).take(LIST_MAX));
                    stack[from..].reverse();
                }
            }
        }
        out
    }

    /// Names that a function of Python declares to be the module's.
    fn global(&mut self, node: Node<'a>, place: &Place) {
        let names = self.look(node).names;
        if let Some(function) = place.function
            && let Some(function) = self.out.functions.get_mut(function)
        {
            function.globals.push_str(&names);
            function.globals.push(' ');
        }
    }

    /// The names that the value at hand is given to: `state`, or `a b` of `const { a, b } = …`.
    fn names_given(&self) -> String {
        let mut near = self.above.iter().rev().take(3);
        near.find(|parent| self.shape(**parent) == Shape::Assign)
            .and_then(|parent| target(*parent))
            .map(|target| self.look(target).names)
            .unwrap_or_default()
    }

    /// Does the declaration of a field say `static`, before its name?
    fn is_static(&self, node: Node<'a>) -> bool {
        for at in std::iter::once(&node).chain(self.above.iter().rev().take(2)) {
            if matches!(
                at.kind(),
                "field_declaration"
                    | "property_declaration"
                    | "public_field_definition"
                    | "field_definition"
            ) {
                let from = at.start_byte();
                let head = self
                    .source
                    .get(from..node.end_byte().min(from + WRITTEN_MAX));
                let head = String::from_utf8_lossy(head.unwrap_or_default());
                return head
                    .split(['=', '{', ';'])
                    .next()
                    .is_some_and(|head| head.split_whitespace().any(|word| word == "static"));
            }
        }
        false
    }

    fn compare(&mut self, node: Node<'a>, place: &Place) {
        let (Some(left), Some(right)) = (node.named_child(0), last_named(node)) else {
            return;
        };
        let between = self
            .source
            .get(left.end_byte()..right.start_byte())
            .unwrap_or_default();
        let operator = String::from_utf8_lossy(between).trim().to_owned();
        if !matches!(
            operator.as_str(),
            ">" | ">=" | "<" | "<=" | "==" | "===" | "!=" | "!=="
        ) {
            return;
        }
        let compare = Compare {
            left: self.side(left),
            operator,
            right: self.side(right),
            line: line(node),
            function: place.function,
        };
        self.out.compares.push(compare);
    }

    fn annotation(&mut self, node: Node<'a>, place: &Place) {
        if self.attached.contains_key(&node.id()) {
            return;
        }
        let mut annotation = self.read_annotation(node);
        annotation.function = place.function;
        annotation.class = place.class.to_string();
        if let Some(function) = place.function
            && let Some(function) = self.out.functions.get_mut(function)
        {
            function.annotations.push(annotation.written.clone());
        }
        self.out.annotations.push(annotation);
    }

    fn read_annotation(&self, node: Node<'a>) -> Annotation {
        let text = self.text(node);
        let bare = text.trim_start_matches(['@', '#', '[', '<', ' ']);
        let path: String = bare
            .chars()
            .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | ':'))
            .collect();
        let seen = self.look(node);
        Annotation {
            path: path.replace("::", "."),
            written: format!("{} {}", path, seen.names),
            texts: seen.texts,
            line: line(node),
            function: None,
            class: String::new(),
        }
    }

    fn name(&mut self, node: Node<'a>, place: &Place) {
        let text = self.text(node);
        if let Some(function) = place.function
            && let Some(function) = self.out.functions.get_mut(function)
            && function.names.len() < 6_000
        {
            function.names.push_str(text);
            function.names.push(' ');
        }
    }
}
