//! YAML as a tree that knows its lines, without what a recipe has no use for: anchors, aliases
//! (a few of which can stand for billions of nodes), tags, and a key said twice.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::Fault;

/// A recipe larger than this was not written by a person.
const SIZE_MAX: usize = 256 * 1024;
/// How deep lists and maps may lie in each other.
const DEPTH_MAX: usize = 16;

/// One value, with the line that it begins on, counted from one.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<Member>),
}

/// One key of a map with its value.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) node: Node,
}

impl Value {
    /// What it is, in the words of a message.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Scalar(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

/// Reads one document.
pub(super) fn parse(text: &str) -> Result<Node, Fault> {
    if text.len() > SIZE_MAX {
        return Err(Fault::at(1, "", "the recipe is larger than 256 KiB"));
    }
    let mut events = Events {
        parser: Parser::new_from_str(text),
        lines: text.lines().collect(),
    };
    loop {
        let (event, span) = events.next()?;
        match event {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            Event::StreamEnd | Event::DocumentEnd => {
                return Err(Fault::at(1, "", "the recipe is empty"));
            }
            first => {
                let node = events.node(first, span, 0)?;
                return events.nothing_more().map(|()| node);
            }
        }
    }
}

struct Events<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    lines: Vec<&'a str>,
}

impl<'a> Events<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Fault> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(Fault::at(
                error.marker().line(),
                "",
                format!("this is not YAML: {}", error.info()),
            )),
            None => Err(Fault::at(self.lines.len(), "", "the recipe ends too early")),
        }
    }

    fn nothing_more(&mut self) -> Result<(), Fault> {
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(()),
                Event::DocumentEnd | Event::Nothing => {}
                _ => {
                    let words = "a recipe is one document; a second one begins here";
                    return Err(Fault::at(span.start.line(), "", words));
                }
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Fault> {
        let line = span.start.line();
        if depth > DEPTH_MAX {
            return Err(Fault::at(line, "", "nested too deeply"));
        }
        let plain = |anchor: usize, tagged: bool| match (anchor, tagged) {
            (0, false) => Ok(()),
            (_, true) => Err(Fault::at(line, "", "a recipe has no tags (`!…`)")),
            (_, false) => Err(Fault::at(line, "", "a recipe has no anchors (`&…`)")),
        };
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                plain(anchor, tag.is_some())?;
                Ok(Node {
                    line: self.first_line_of(line, style),
                    value: Value::Scalar(text.into_owned()),
                })
            }
            Event::SequenceStart(anchor, tag) => {
                plain(anchor, tag.is_some())?;
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                }
                let value = Value::List(items);
                Ok(Node { line, value })
            }
            Event::MappingStart(anchor, tag) => {
                plain(anchor, tag.is_some())?;
                let value = Value::Map(self.members(depth)?);
                Ok(Node { line, value })
            }
            Event::Alias(_) => Err(Fault::at(line, "", "a recipe has no aliases (`*…`)")),
            _ => Err(Fault::at(line, "", "a value is missing here")),
        }
    }

    fn members(&mut self, depth: usize) -> Result<Vec<Member>, Fault> {
        let mut members: Vec<Member> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let line = span.start.line();
            let key = match event {
                Event::MappingEnd => return Ok(members),
                Event::Scalar(key, ..) => key.into_owned(),
                _ => return Err(Fault::at(line, "", "a key is a word")),
            };
            if let Some(first) = members.iter().find(|member| member.key == key) {
                let words = format!("`{key}` is said twice, first on line {}", first.line);
                return Err(Fault::at(line, "", words));
            }
            let (event, span) = self.next()?;
            let node = self.node(event, span, depth + 1)?;
            members.push(Member { key, line, node });
        }
    }

    /// The line that the text of a scalar begins on; that of a block begins below its mark.
    fn first_line_of(&self, line: usize, style: ScalarStyle) -> usize {
        let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let marked = self.lines.get(line.saturating_sub(1)).is_some_and(|text| {
            let text = text.split(" #").next().unwrap_or(text).trim_end();
            let text = text.trim_end_matches(|c: char| c.is_ascii_digit() || "+-".contains(c));
            text.ends_with(['|', '>'])
        });
        if is_block && marked { line + 1 } else { line }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        parse(text).expect_err("it is refused").to_string()
    }

    #[test]
    fn given_a_block_of_text_when_read_then_its_line_is_that_of_its_first_word() {
        let node = parse("a: 1\nb: |\n  first\n  second\nc: { d: e }\n").unwrap();

        let Value::Map(members) = node.value else {
            panic!("a map")
        };
        let lines: Vec<_> = members.iter().map(|m| (m.line, m.node.line)).collect();
        assert_eq!(lines, [(1, 1), (2, 3), (5, 5)]);
        assert!(matches!(&members[1].node.value, Value::Scalar(t) if t == "first\nsecond\n"));
    }

    #[test]
    fn given_what_a_recipe_has_no_use_for_when_read_then_the_line_is_named() {
        assert_eq!(
            fault("a: 1\na: 2"),
            "line 2: `a` is said twice, first on line 1"
        );
        assert_eq!(
            fault("a: &x 1\nb: *x"),
            "line 1: a recipe has no anchors (`&…`)"
        );
        assert_eq!(fault("a: !!str 1"), "line 1: a recipe has no tags (`!…`)");
        assert_eq!(fault(""), "line 1: the recipe is empty");
        assert!(fault("a: 1\n---\nb: 2").starts_with("line 2: a recipe is one document"));
        assert!(fault("a: [1\nb: }").contains("this is not YAML"));
        assert_eq!(fault(&"[".repeat(40)), "line 1: nested too deeply");
    }
}
