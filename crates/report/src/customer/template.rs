//! Writes a document by a template: the one that is built in, or one that an organisation put in
//! its place.

use std::fmt;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};

use super::document::Document;

/// How much work a template may do; the built-in ones take a small part of it.
const FUEL: u64 = 2_000_000;
/// What people leave in a text for what is still to come. It never reaches a customer.
const UNFINISHED: [&str; 4] = ["TKTK", "TODO", "FIXME", "XXXX"];

/// What a template writes, which decides how values are kept from being markup.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// HTML in one file, which loads nothing.
    Html,
    /// Markdown, as code hosts and ticket systems read it.
    Markdown,
}

/// A template that can be filled.
pub struct Template {
    environment: Environment<'static>,
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template").finish_non_exhaustive()
    }
}

/// A template is wrong, or names what a document does not have.
#[derive(Debug, thiserror::Error)]
pub enum NotWritten {
    /// It was left unfinished.
    #[error(
        "line {line} of the template still says `{word}`: write what belongs there, or take it out"
    )]
    Unfinished {
        /// Where, counted from one.
        line: usize,
        /// What it says.
        word: &'static str,
    },
    /// It cannot be read or filled.
    #[error("{}", told(.0))]
    Wrong(Error),
}

fn told(error: &Error) -> String {
    let line = error.line().map_or(String::new(), |line| {
        format!("line {line} of the template: ")
    });
    let what = error.kind().to_string();
    match error.detail() {
        Some(detail) => format!("{line}{what}: {detail}"),
        None => format!("{line}{what}"),
    }
}

impl Template {
    const NAME: &'static str = "report";

    /// The template that is built in.
    #[must_use]
    pub fn built_in(form: Form) -> Self {
        let source = Self::source(form).to_owned();
        Self::read(form, source).expect("the tests fill it")
    }

    /// Its text, to begin one's own with.
    #[must_use]
    pub const fn source(form: Form) -> &'static str {
        match form {
            Form::Html => include_str!("../../templates/report.html"),
            Form::Markdown => include_str!("../../templates/report.md"),
        }
    }

    /// Reads a template. One that somebody has not finished is refused.
    pub fn read(form: Form, source: String) -> Result<Self, NotWritten> {
        for (at, line) in source.lines().enumerate() {
            if let Some(word) = UNFINISHED.into_iter().find(|word| line.contains(word)) {
                return Err(NotWritten::Unfinished { line: at + 1, word });
            }
        }
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_debug(false);
        let mut syntax = SyntaxConfig::builder();
        let syntax = syntax.trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.expect("only what is done with blanks differs"));
        // What a macro writes is written already; what a value holds never is.
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        // Nothing that was found is markup, whatever a template says of it.
        environment.remove_filter("safe");
        environment.set_formatter(move |out, _, value| {
            if value.is_none() {
                let words = "nothing stands here; ask with `if` first";
                return Err(Error::new(ErrorKind::UndefinedError, words));
            }
            let text = value.to_string();
            let written = match form {
                _ if value.is_safe() => out.write_str(&text),
                Form::Html => out.write_str(&html(&text)),
                Form::Markdown => out.write_str(&markdown(&text)),
            };
            written.map_err(|_| Error::new(ErrorKind::WriteFailure, "the output is full"))
        });
        environment.add_filter("code", move |text: String| {
            Value::from_safe_string(match form {
                Form::Html => format!("<code>{}</code>", html(&text)),
                Form::Markdown => span(&text),
            })
        });
        // The links of a document are our own; anything else in their place is written as text.
        environment.add_filter("link", move |text: String| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || ":/._-".contains(c);
            if text.starts_with("https://") && text.chars().all(is_plain) {
                Value::from_safe_string(text)
            } else {
                Value::from(text)
            }
        });
        environment.add_filter("block", move |text: String| {
            Value::from_safe_string(match form {
                Form::Html => format!("<pre>{}</pre>", html(&text)),
                Form::Markdown => fenced(&text),
            })
        });
        environment
            .add_template_owned(Self::NAME, source)
            .map_err(NotWritten::Wrong)?;
        Ok(Self { environment })
    }

    /// Fills it.
    pub fn write(&self, document: &Document) -> Result<String, NotWritten> {
        let template = self.environment.get_template(Self::NAME);
        let template = template.map_err(NotWritten::Wrong)?;
        let mut text = template
            .render(Serde(document))
            .map_err(NotWritten::Wrong)?;
        if !text.ends_with('\n') {
            text.push('\n');
        }
        Ok(text)
    }
}

/// What acts on a reader instead of being read: controls, and marks that turn the direction.
fn acts(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if acts(c) => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

/// Text in one line, with what Markdown or HTML would read as markup, or make a link of, escaped.
fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let is_between =
            before.is_alphanumeric() && chars.peek().is_some_and(|c| c.is_alphanumeric());
        match c {
            '\n' | '\t' => out.push(' '),
            c if acts(c) => out.push('\u{FFFD}'),
            '_' if is_between => out.push(c),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '@' | '#' | '!' => {
                out.push('\\');
                out.push(c);
            }
            ':' if chars.peek() == Some(&'/') => out.push_str("\\:"),
            '.' if out.ends_with("www") => out.push_str("\\."),
            c => out.push(c),
        }
        before = c;
    }
    out
}

/// A code span; nothing in it can end it.
fn span(text: &str) -> String {
    let inner: String = text
        .chars()
        .map(|c| match c {
            '`' => '\'',
            '|' => '\u{FF5C}',
            c if c == '\n' || c == '\t' || acts(c) => ' ',
            c => c,
        })
        .collect();
    format!("`{inner}`")
}

/// A block of code; its fence is longer than any in it.
fn fenced(text: &str) -> String {
    let longest = text
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    let inner: String = text
        .chars()
        .map(|c| if acts(c) { '\u{FFFD}' } else { c })
        .collect();
    format!("{fence}text\n{inner}\n{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_hostile_text_when_written_as_markdown_then_nothing_of_it_is_markup() {
        assert_eq!(
            markdown("<b>*x*</b> [a](http://b) | www.c d_e _f_ g@h\n# i"),
            "\\<b\\>\\*x\\*\\</b\\> \\[a\\](http\\://b) \\| www\\.c d_e \\_f\\_ g\\@h \\# i"
        );
        assert_eq!(span("a`b|c\nd"), "`a'b\u{FF5C}c d`");
        assert_eq!(fenced("a\n````\nb"), "`````text\na\n````\nb\n`````");
        assert_eq!(
            html("<a href='\"'>\u{202E}&"),
            "&lt;a href=&#39;&quot;&#39;&gt;\u{FFFD}&amp;"
        );
    }

    #[test]
    fn given_a_template_that_is_wrong_when_read_then_the_error_names_the_line() {
        let read = |text: &str| Template::read(Form::Markdown, text.to_owned()).err();

        let unfinished = read("# a\n\nRisk: TKTK\n").unwrap().to_string();
        let broken = read("{% if risk %}\n{{ title }\n").unwrap().to_string();

        assert!(
            unfinished.contains("line 3") && unfinished.contains("TKTK"),
            "{unfinished}"
        );
        assert!(broken.contains("line "), "{broken}");
    }
}
