//! Scripts that run in a browser, and so see one user and keep no session.
//!
//! A folder proves little: `components`, `stores` and `scripts` hold servers as well. So it sets
//! apart scripts alone, never another language, and no script that does what only a server can.

use super::Parsed;
use crate::syntax::{Call, Language};

/// Folders of what is sent to browsers.
const PLACES: [&str; 20] = [
    "/frontend/",
    "/client/",
    "/clientapp/",
    "/components/",
    "/hooks/",
    "/stores/",
    "/composables/",
    "/web-client/",
    "/webapp/static/",
    "/static/",
    "/public/",
    "/assets/",
    "/app/javascript/",
    "/resources/js/",
    "/wwwroot/",
    "/cypress/",
    "/mobile/",
    "/android/",
    "/ios/",
    "/scripts/",
];

/// Packages that run on a server alone, whole or up to a slash, without the sign of their scope: an
/// import comes without the one it begins with.
const SERVER: [&str; 41] = [
    "express",
    "express-session",
    "cookie-session",
    "cookie-parser",
    "fastify",
    "koa",
    "hono",
    "hapi",
    "nestjs",
    "passport",
    "server-only",
    "next/headers",
    "next/server",
    "next/cache",
    "remix-run/node",
    "remix-run/cloudflare",
    "remix-run/server-runtime",
    "react-router/node",
    "iron-session",
    "lucia",
    "bcrypt",
    "bcryptjs",
    "argon2",
    "node-rs",
    "jsonwebtoken",
    "prisma",
    "drizzle-orm",
    "typeorm",
    "sequelize",
    "mongoose",
    "mongodb",
    "pg",
    "mysql2",
    "better-sqlite3",
    "knex",
    "redis",
    "ioredis",
    "crypto",
    "http",
    "https",
    "fs",
];

/// What frameworks call by its name on the server: handlers of routes, loaders and actions.
const HANDLERS: [&str; 11] = [
    "loader",
    "action",
    "getServerSideProps",
    "generateMetadata",
    "GET",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "HEAD",
    "OPTIONS",
];

/// Is this a script that runs in a browser, by what it says, or by its place where it says nothing?
pub(super) fn is_client(file: &Parsed) -> bool {
    let place = format!("/{}", file.path.to_ascii_lowercase());
    let is_script = matches!(
        file.language,
        Language::JavaScript | Language::TypeScript | Language::Tsx
    );
    if !is_script || place.contains("livewire") {
        return false;
    }
    if file.outline.is_client || is_server(file) {
        return file.outline.is_client;
    }
    let has_markup = file.language == Language::Tsx || place.rsplit('.').next() == Some("jsx");
    let by_place = PLACES.iter().any(|part| place.contains(part));
    by_place || has_markup && !answers(file) || file.outline.calls.iter().any(is_of_page)
}

/// Does the script speak to the page it is in?
fn is_of_page(call: &Call) -> bool {
    matches!(
        call.path.as_str(),
        "document.addEventListener"
            | "document.getElementById"
            | "document.querySelector"
            | "document.querySelectorAll"
            | "window.addEventListener"
            | "customElements.define"
    )
}

/// Does the script bring in what only a server has, or say that it is one?
fn is_server(file: &Parsed) -> bool {
    let outline = &file.outline;
    let of_server = |import: &String| {
        let whole = import.trim_start_matches('@');
        let bare = whole.strip_prefix("node:").unwrap_or(whole);
        let is_package = |package: &str| {
            let rest = bare.strip_prefix(package);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        bare.len() < whole.len()
            || SERVER.iter().any(|package| is_package(package))
            || bare.ends_with(".server")
            || bare.contains(".server/")
            || bare.rsplit('/').next() == Some("prisma")
    };
    outline.is_server || outline.imports.iter().any(of_server)
}

/// Does it answer requests by the name of a function, beside its markup? In a folder of what is sent
/// to browsers that proves nothing: there, too, a page has its `loader`.
fn answers(file: &Parsed) -> bool {
    let mut functions = file.outline.functions.iter();
    let is_handler = |name: &str| HANDLERS.contains(&name);
    functions.any(|f| f.parent.is_none() && f.class.is_empty() && is_handler(&f.name))
}

/// In a browser there is one user, and a variable is theirs.
pub(crate) fn runs_in_browser(imports: &[String]) -> bool {
    imports.iter().any(|import| {
        [
            // Texts come without the sign of a scope, as `@angular/core` has one.
            "angular/core",
            "angular/router",
            "angular/common/http",
            "react",
            "vue",
            "svelte",
            "pinia",
            "mobx",
            "electron",
        ]
        .iter()
        .any(|part| import.starts_with(part))
    })
}
