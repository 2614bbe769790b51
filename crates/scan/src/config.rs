//! Keys and values out of configuration files, whatever their syntax.
//!
//! The readers are lenient on purpose: configuration is templated more often than not, and a line
//! that makes no sense costs that line only.

use crate::syntax::words::words;

/// One setting.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// Dotted key.
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) file: String,
    pub(crate) line: u32,
}

impl Setting {
    /// Is this the key `wanted`, dashes, underscores, dots and letter case apart, at its end?
    pub(crate) fn is(&self, wanted: &str) -> bool {
        let own = words(&self.key).concat();
        let wanted = words(wanted).concat();
        own == wanted || own.ends_with(&wanted)
    }

    /// Is the value one that turns a number or a switch off?
    pub(crate) fn is_off(&self) -> bool {
        matches!(
            self.value.to_ascii_lowercase().as_str(),
            "-1" | "0" | "false" | "off" | "no" | "none" | "null" | "disabled"
        )
    }
}

/// Reads the settings of one file.
pub(crate) fn settings(file: &str, text: &str) -> Vec<Setting> {
    let extension = file.rsplit_once('.').map_or("", |(_, e)| e);
    let mut out = Vec::new();
    match extension {
        "yml" | "yaml" => indented(file, text, &mut out),
        "json" => {
            if let Ok(value) = serde_json::from_str(text) {
                tree(file, "", &value, &mut out);
            }
        }
        _ => flat(file, text, &mut out),
    }
    out
}

/// YAML by its indentation. Lists and blocks are passed over.
fn indented(file: &str, text: &str, out: &mut Vec<Setting>) {
    let mut above: Vec<(usize, String)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let bare = line.trim_start();
        if bare.is_empty() || bare.starts_with(['#', '-']) {
            continue;
        }
        let indent = line.len() - bare.len();
        let Some((key, value)) = bare.split_once(':') else {
            continue;
        };
        while above.last().is_some_and(|(depth, _)| *depth >= indent) {
            above.pop();
        }
        let value = value
            .split(" #")
            .next()
            .unwrap_or("")
            .trim()
            .trim_matches(['"', '\'']);
        let mut path: Vec<&str> = above.iter().map(|(_, key)| key.as_str()).collect();
        path.push(key.trim());
        if value.is_empty() {
            if above.len() < 32 {
                above.push((indent, key.trim().to_owned()));
            }
        } else {
            out.push(setting(file, number, path.join("."), value));
        }
    }
}

/// `key = value`, with sections in brackets where there are any.
fn flat(file: &str, text: &str, out: &mut Vec<Setting>) {
    let mut section = String::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with(['#', ';', '!']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            name.trim_matches(['[', ']']).clone_into(&mut section);
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        let key = if section.is_empty() {
            key.trim().to_owned()
        } else {
            format!("{section}.{}", key.trim())
        };
        let value = value.trim().trim_matches(['"', '\'']);
        out.push(setting(file, number, key, value));
    }
}

fn tree(file: &str, path: &str, value: &serde_json::Value, out: &mut Vec<Setting>) {
    match value {
        serde_json::Value::Object(members) => {
            for (key, member) in members {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                tree(file, &path, member, out);
            }
        }
        serde_json::Value::Array(_) | serde_json::Value::Null => {}
        serde_json::Value::String(text) => out.push(setting(file, 0, path.to_owned(), text)),
        other => out.push(setting(file, 0, path.to_owned(), &other.to_string())),
    }
}

fn setting(file: &str, line: usize, key: String, value: &str) -> Setting {
    Setting {
        key,
        value: value.chars().take(200).collect(),
        file: file.to_owned(),
        line: u32::try_from(line + 1).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_nested_yaml_when_read_then_keys_are_dotted_and_comments_say_nothing() {
        let text = "shiro:\n  session:\n    # maxSession: 5\n    maxSession: -1 # off\n  user: x\n";

        let read = settings("application.yml", text);

        assert_eq!(read[0].key, "shiro.session.maxSession");
        assert_eq!(read[0].line, 4);
        assert!(read[0].is_off());
        assert!(read[0].is("max-session"));
        assert_eq!(read[1].key, "shiro.user");
        assert_eq!(read.len(), 2);
    }

    #[test]
    fn given_properties_and_json_when_read_then_both_give_keys() {
        assert!(settings("a.properties", "server.session.timeout=30m")[0].is("session.timeout"));
        let json = settings("appsettings.json", r#"{"Auth": {"MaxSessions": 0}}"#);
        assert!(json[0].is("auth.maxsessions") && json[0].is_off());
    }
}
