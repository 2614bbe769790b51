//! What stands before the dot of a call: a module of the tree, or an object of one of its classes.

use super::{Id, MEANINGS_MAX, Model};
use crate::syntax::Language;

/// Endings that an import leaves out.
const ENDINGS: [&str; 12] = [
    "",
    ".js",
    ".ts",
    ".mjs",
    ".cjs",
    ".mts",
    ".tsx",
    ".jsx",
    "/index.js",
    "/index.ts",
    "/index.mjs",
    "/index.tsx",
];

impl<'a> Model<'a> {
    /// The functions of this name in what the receiver stands for, where the code says what that
    /// is. The name of the method need not say anything then.
    pub(super) fn of_holder(&self, file: usize, receiver: &str, candidates: &[Id]) -> Vec<Id> {
        let bare = receiver
            .strip_prefix("this.")
            .or_else(|| receiver.strip_prefix("self."))
            .unwrap_or(receiver);
        if bare.is_empty() || bare.contains('(') {
            return Vec::new();
        }
        let of_module = self.of_module(file, bare, candidates);
        if !of_module.is_empty() {
            return of_module;
        }
        let Some(class) = self.class_of(file, bare) else {
            return Vec::new();
        };
        let is_class = |id: &Id| {
            let own = self.function(*id).class.as_str();
            let bare = |name: &'a str| name.strip_prefix('I').unwrap_or(name);
            own == class || own.strip_suffix("Impl") == Some(class) || own == bare(class)
        };
        let meant: Vec<Id> = candidates.iter().copied().filter(is_class).collect();
        if meant.len() <= MEANINGS_MAX {
            meant
        } else {
            Vec::new()
        }
    }

    /// Those in the module that the file imports under this name.
    fn of_module(&self, file: usize, name: &str, candidates: &[Id]) -> Vec<Id> {
        let within = |is_meant: &dyn Fn(&Id) -> bool| -> Vec<Id> {
            candidates.iter().copied().filter(is_meant).collect()
        };
        match self.files[file].language {
            Language::JavaScript | Language::TypeScript | Language::Tsx => {
                let Some(module) = self.module(file, name) else {
                    return Vec::new();
                };
                within(&|id| self.functions[*id].0 == module)
            }
            Language::Python | Language::Rust if self.brings(file, name) => within(&|id| {
                let path = &self.file_of(*id).path;
                let stem = path
                    .rsplit_once('.')
                    .map_or(path.as_str(), |(stem, _)| stem);
                let stem = stem
                    .strip_suffix("/mod")
                    .or_else(|| stem.strip_suffix("/__init__"))
                    .unwrap_or(stem);
                stem.rsplit('/').next() == Some(name) && self.function(*id).class.is_empty()
            }),
            // A package of Go is a folder, and its path ends in its name.
            Language::Go => {
                let imports = &self.files[file].outline.imports;
                if !imports.iter().any(|i| i.rsplit('/').next() == Some(name)) {
                    return Vec::new();
                }
                within(&|id| {
                    let folder = self.file_of(*id).path.rsplit('/').nth(1);
                    folder == Some(name) && self.function(*id).class.is_empty()
                })
            }
            _ => Vec::new(),
        }
    }

    /// The file that a script imports under this name.
    fn module(&self, file: usize, name: &str) -> Option<usize> {
        let importing = self.files[file];
        let brought = &importing.outline.brought;
        let (_, module) = brought
            .iter()
            .find(|(names, _)| names.split(' ').any(|n| n == name))?;
        let module = module
            .strip_suffix(".js")
            .or_else(|| module.strip_suffix(".ts"))
            .unwrap_or(module);
        if module.starts_with('.') {
            let place = joined(&importing.path, module);
            let mut paths = ENDINGS.iter().map(|ending| format!("{place}{ending}"));
            return paths.find_map(|path| self.by_path.get(path.as_str()).copied());
        }
        // `@/lib/sessions`, without its sign: the root it stands for is said in a setting of the
        // compiler.
        let below = module.trim_start_matches(['@', '~', '$', '#']);
        if !below.contains('/') {
            return None;
        }
        let below = below.trim_start_matches('/');
        let tails: Vec<String> = ENDINGS.iter().map(|e| format!("/{below}{e}")).collect();
        let is_meant = |path: &&str| tails.iter().any(|tail| format!("/{path}").ends_with(tail));
        let mut found = self.by_path.keys().copied().filter(is_meant);
        let first = found.next()?;
        found.next().is_none().then(|| self.by_path[first])
    }

    /// The class of the object that a variable or field of the file holds: as it is declared, or as
    /// it is built.
    fn class_of(&self, file: usize, name: &str) -> Option<&'a str> {
        let field = name.rsplit('.').next().unwrap_or(name);
        if name.split('.').count() > 2 {
            return None;
        }
        if let Some(class) = self.given.get(&(file, field)) {
            return Some(*class);
        }
        let file: &'a super::Parsed = self.files[file];
        let outline = &file.outline;
        let declared = outline.fields.iter().find(|(own, _)| own == field);
        if let Some((_, class)) = declared {
            return Some(class.as_str());
        }
        let mut built = outline
            .assigns
            .iter()
            .filter(|a| a.target == name || a.target.strip_prefix("this.") == Some(name));
        built.find_map(|a| constructed(&a.written))
    }
}

/// The class of which this makes an object: `new Sessions(db)`, `Sessions(db)`, `&Sessions{…}`,
/// `NewSessions(db)`.
fn constructed(written: &str) -> Option<&str> {
    let written = written.trim_start_matches('&').trim_start();
    let (is_new, written) = match written.strip_prefix("new ") {
        Some(rest) => (true, rest),
        None => (false, written),
    };
    let end = written.find(['(', '{', '<'])?;
    let name = written[..end].trim().rsplit(['.', ':', '\\']).next()?;
    let name = match name.strip_prefix("New") {
        Some(rest) if !is_new && rest.starts_with(char::is_uppercase) => rest,
        _ => name,
    };
    let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    (is_name && name.starts_with(char::is_uppercase)).then_some(name)
}

/// A relative module from where it is named.
fn joined(from: &str, module: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in module.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_ways_to_make_an_object_when_read_then_they_name_its_class() {
        for written in [
            "new Sessions(db)",
            "Sessions(db)",
            "&Sessions{db: db}",
            "NewSessions(db)",
            "new store.Sessions(db);",
            "new Sessions<User>()",
        ] {
            assert_eq!(constructed(written), Some("Sessions"), "{written}");
        }
        for written in ["sessions.of(user)", "open(db)", "5", "SESSIONS", "a + B(c)"] {
            assert_eq!(constructed(written), None, "{written}");
        }
    }

    #[test]
    fn given_a_relative_module_when_joined_then_it_is_a_path_from_the_root() {
        assert_eq!(
            joined("src/routes/login.js", "../lib/sessions"),
            "src/lib/sessions"
        );
        assert_eq!(joined("app.js", "./sessions"), "sessions");
    }
}
