//! As much of HTML as it takes to find one attribute: the start tags of a page, and selectors
//! for a single element.

/// A selector such as `input[name=_csrf]`, `meta[name="csrf-token"]` or `form#login.wide`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Selector {
    tag: Option<String>,
    wanted: Vec<(String, Wanted)>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Wanted {
    There,
    Equal(String),
    Word(String),
}

impl Selector {
    /// Reads a selector. The error says what is accepted.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let wrong = || {
            "accepted is one element, such as input[name=_csrf], form#login or .token; no spaces, \
             commas or combinators"
                .to_owned()
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let name_at = |text: &str| text.find(|c| !is_name(c)).unwrap_or(text.len());
        let mut selector = Self::default();
        let end = name_at(text);
        if end > 0 {
            selector.tag = Some(text[..end].to_ascii_lowercase());
        }
        let mut rest = &text[end..];
        while let Some(mark) = rest.chars().next() {
            rest = &rest[mark.len_utf8()..];
            match mark {
                '#' | '.' => {
                    let end = name_at(rest);
                    if end == 0 {
                        return Err(wrong());
                    }
                    let value = rest[..end].to_owned();
                    selector.wanted.push(match mark {
                        '#' => ("id".to_owned(), Wanted::Equal(value)),
                        _ => ("class".to_owned(), Wanted::Word(value)),
                    });
                    rest = &rest[end..];
                }
                '[' => {
                    let (inner, after) = rest.split_once(']').ok_or_else(wrong)?;
                    let (name, wanted) = match inner.split_once('=') {
                        None => (inner, Wanted::There),
                        Some((name, value)) => {
                            let value = value.trim_matches(['"', '\'']);
                            (name, Wanted::Equal(value.to_owned()))
                        }
                    };
                    if name.is_empty() || !name.chars().all(is_name) {
                        return Err(wrong());
                    }
                    selector.wanted.push((name.to_ascii_lowercase(), wanted));
                    rest = after;
                }
                _ => return Err(wrong()),
            }
        }
        if selector == Self::default() {
            return Err(wrong());
        }
        Ok(selector)
    }

    /// The attribute of the first element in the page that fits.
    pub(crate) fn find(&self, page: &str, attribute: &str) -> Option<String> {
        let mut tags = Tags { rest: page };
        tags.find(|tag| self.fits(tag))
            .and_then(|tag| tag.attribute(attribute).map(str::to_owned))
    }

    fn fits(&self, tag: &Tag) -> bool {
        self.tag.as_ref().is_none_or(|name| *name == tag.name)
            && self.wanted.iter().all(|(name, wanted)| {
                let value = tag.attribute(name);
                match wanted {
                    Wanted::There => value.is_some(),
                    Wanted::Equal(expected) => value == Some(expected),
                    Wanted::Word(word) => {
                        value.is_some_and(|v| v.split_ascii_whitespace().any(|w| w == word))
                    }
                }
            })
    }
}

/// One start tag.
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The start tags of a page, in their order. Comments and scripts are passed over.
struct Tags<'a> {
    rest: &'a str,
}

impl Iterator for Tags<'_> {
    type Item = Tag;

    fn next(&mut self) -> Option<Tag> {
        loop {
            let at = self.rest.find('<')?;
            self.rest = &self.rest[at + 1..];
            if let Some(comment) = self.rest.strip_prefix("!--") {
                self.rest = comment.split_once("-->").map_or("", |(_, after)| after);
            } else if self.rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
                let tag = self.tag();
                if matches!(tag.name.as_str(), "script" | "style" | "textarea" | "title") {
                    let end = format!("</{}", tag.name);
                    let at = self.rest.to_ascii_lowercase().find(&end);
                    self.rest = at.map_or("", |at| &self.rest[at..]);
                }
                return Some(tag);
            }
        }
    }
}

impl Tags<'_> {
    fn tag(&mut self) -> Tag {
        let ends = |c: char| c.is_ascii_whitespace() || c == '>' || c == '/';
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let name = self.rest[..end].to_ascii_lowercase();
        self.rest = &self.rest[end..];
        let mut attributes = Vec::new();
        loop {
            self.rest = self
                .rest
                .trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            if self.rest.is_empty() {
                break;
            }
            if let Some(after) = self.rest.strip_prefix('>') {
                self.rest = after;
                break;
            }
            let end = self
                .rest
                .char_indices()
                .find(|(at, c)| *at > 0 && (ends(*c) || *c == '='))
                .map_or(self.rest.len(), |(at, _)| at);
            let name = self.rest[..end].to_ascii_lowercase();
            self.rest = self.rest[end..].trim_start();
            let value = match self.rest.strip_prefix('=') {
                None => String::new(),
                Some(after) => {
                    self.rest = after.trim_start();
                    self.value()
                }
            };
            attributes.push((name, value));
        }
        Tag { name, attributes }
    }

    fn value(&mut self) -> String {
        let quote = self.rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, after) = if let Some(quote) = quote {
            let inner = &self.rest[1..];
            inner.split_once(quote).unwrap_or((inner, ""))
        } else {
            let ends = |c: char| c.is_ascii_whitespace() || c == '>';
            let end = self.rest.find(ends).unwrap_or(self.rest.len());
            self.rest.split_at(end)
        };
        self.rest = after;
        unescape(value)
    }
}

/// Undoes the escapes that a token may hold.
fn unescape(text: &str) -> String {
    [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#43;", "+"),
        ("&#x2B;", "+"),
        ("&#47;", "/"),
        ("&#x2F;", "/"),
        ("&#61;", "="),
        ("&#x3D;", "="),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<!doctype html><!-- <input name=_csrf value="comment"> -->
        <script>'<input name="_csrf" value="script">'</script>
        <form id=login class="wide dark" action='/x?a=">"'>
        <INPUT type=hidden NAME="_csrf" value="a&amp;b&#x3D;"/><br>"#;

    fn find(selector: &str, attribute: &str) -> Option<String> {
        Selector::read(selector).unwrap().find(PAGE, attribute)
    }

    #[test]
    fn given_a_page_when_searched_then_comments_and_scripts_are_not_in_it() {
        assert_eq!(find("input[name=_csrf]", "value").as_deref(), Some("a&b="));
        assert_eq!(
            find("form#login.dark", "action").as_deref(),
            Some("/x?a=\">\"")
        );
        assert_eq!(find("[type=\"hidden\"]", "name").as_deref(), Some("_csrf"));
        assert_eq!(find("meta[name=csrf-token]", "content"), None);
    }

    #[test]
    fn given_a_hostile_page_when_searched_then_it_ends() {
        for page in [
            "<", "<a", "<a b", "<a b=", "<a b=\"", "<!--", "<script", "<a ==", "<é",
        ] {
            assert_eq!(
                Selector::read("input").unwrap().find(page, "x"),
                None,
                "{page}"
            );
        }
    }

    #[test]
    fn given_more_than_one_element_when_a_selector_is_read_then_it_says_what_is_accepted() {
        for text in ["", "form input", "a,b", "a>b", "a:b", "[=x]", "a["] {
            assert!(Selector::read(text).is_err(), "{text}");
        }
    }
}
