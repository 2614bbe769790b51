//! The shapes a file is reduced to.

use serde::{Deserialize, Serialize};

/// Everything of one file that facts are made from.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Outline {
    pub(crate) functions: Vec<Function>,
    pub(crate) calls: Vec<Call>,
    pub(crate) assigns: Vec<Assign>,
    pub(crate) compares: Vec<Compare>,
    pub(crate) pairs: Vec<Assign>,
    pub(crate) imports: Vec<String>,
    /// The names each import brings in, and the module they come from as written, or empty.
    pub(crate) brought: Vec<(String, String)>,
    /// Fields by name, with the class they are declared to be of.
    pub(crate) fields: Vec<(String, String)>,
    /// Classes by name, with the names of what they extend.
    pub(crate) classes: Vec<(String, String)>,
    pub(crate) annotations: Vec<Annotation>,
    pub(crate) routes: Vec<Route>,
    /// Comments that ask for a finding to be left out: line, rule, reason.
    pub(crate) suppressions: Vec<(u32, String, String)>,
    /// A script that begins with `"use client"`: it runs in a browser, whatever it holds.
    pub(crate) is_client: bool,
    /// A script that says `"use server"`, of itself or of one of its functions.
    pub(crate) is_server: bool,
}

/// A function, method or closure.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Function {
    /// Its name, or that of the variable or key it is given to; empty for a bare closure.
    pub(crate) name: String,
    /// The class, impl or receiver type it belongs to, or empty.
    pub(crate) class: String,
    pub(crate) line: u32,
    pub(crate) end_line: u32,
    pub(crate) parent: Option<usize>,
    /// Annotations of it and of its class.
    pub(crate) annotations: Vec<String>,
    pub(crate) parameters: String,
    /// Names that it declares to be the module's: Python's `global`.
    pub(crate) globals: String,
    /// Identifiers anywhere in it, closures left out.
    pub(crate) names: String,
}

/// A call, or the construction of an object (path ends in `.new`).
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Call {
    /// `req.session.regenerate`, `db.session.query().delete`, `LoginToken.create`.
    pub(crate) path: String,
    /// Identifiers of the arguments, closures left out.
    pub(crate) names: String,
    /// String literals of the arguments and of the calls this one is chained to.
    pub(crate) texts: Vec<String>,
    /// Identifiers of each argument that is not a closure, or the number it is.
    pub(crate) arguments: Vec<String>,
    pub(crate) line: u32,
    pub(crate) end_line: u32,
    pub(crate) function: Option<usize>,
    /// Closures that stand as arguments.
    pub(crate) closures: Vec<usize>,
    /// The variable the result goes to, or empty.
    pub(crate) into: String,
}

impl Call {
    /// The last part of the path: the method.
    pub(crate) fn method(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or("")
    }

    /// What stands before the method.
    pub(crate) fn receiver(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(before, _)| before)
    }
}

/// An assignment, or a key and its value in an object, or a keyword argument. What takes a value
/// apart, as `const { a, b } = …` does, is one assignment for each name.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Assign {
    pub(crate) target: String,
    /// Names of what it is kept under: `sid` of `sessions[sid] = …`.
    pub(crate) key: String,
    /// The value as written, cut short.
    pub(crate) written: String,
    pub(crate) names: String,
    /// For a name of the module: the strings of its value, as a setting lists them.
    pub(crate) texts: Vec<String>,
    /// Names of the type it is declared with, or empty.
    pub(crate) declared: String,
    pub(crate) line: u32,
    pub(crate) function: Option<usize>,
    /// The class it stands in, or empty.
    pub(crate) class: String,
    /// It brings the name into being, rather than giving a value to one that was there.
    pub(crate) declares: bool,
    /// For a field: one for all objects of its class.
    pub(crate) is_static: bool,
    /// For a pair: the call whose argument holds it.
    pub(crate) holder: Option<usize>,
}

/// A comparison of two values.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Compare {
    pub(crate) left: String,
    pub(crate) operator: String,
    pub(crate) right: String,
    pub(crate) line: u32,
    pub(crate) function: Option<usize>,
}

/// An annotation, decorator or attribute, as a path and its strings.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Annotation {
    pub(crate) path: String,
    pub(crate) written: String,
    pub(crate) texts: Vec<String>,
    pub(crate) line: u32,
    /// The function it stands on; none for one on a class.
    pub(crate) function: Option<usize>,
    pub(crate) class: String,
}

/// A way in from outside.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Route {
    /// Upper case; `ANY` where the code does not say.
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) line: u32,
    /// The function that answers, where it stands in the same file.
    pub(crate) function: Option<usize>,
    /// Its name otherwise.
    pub(crate) handler: String,
    /// Other names in the registration: guards, middleware.
    pub(crate) guards: String,
}
