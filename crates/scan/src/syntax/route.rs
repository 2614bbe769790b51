//! Ways in from outside, read from registrations, annotations and file names.

use std::collections::HashMap;

use super::language::Language;
use super::outline::{Annotation, Call, Outline, Route};
use super::words::words;

const VERBS: [&str; 6] = ["get", "post", "put", "delete", "patch", "head"];

/// The routes a file declares.
pub(crate) fn routes(language: Language, file: &str, outline: &Outline) -> Vec<Route> {
    let mut out: Vec<Route> = outline
        .calls
        .iter()
        .filter_map(|call| of_call(language, file, call))
        .collect();
    let prefixes = prefixes(outline);
    out.extend(
        outline
            .annotations
            .iter()
            .filter_map(|a| of_annotation(outline, &prefixes, a)),
    );
    out.extend(of_file(file, outline));
    if matches!(language, Language::Ruby | Language::Php) {
        out.extend(of_controller(outline));
    }
    out
}

#[expect(
    clippy::too_many_lines,
    reason = "one question after another about the same call"
)]
fn of_call(language: Language, file: &str, call: &Call) -> Option<Route> {
    let method = call.method();
    let lower = method.to_ascii_lowercase();
    let first = call.texts.first()?;
    let is_django = language == Language::Python && file.ends_with("urls.py");
    // `router.register("sessions", SessionViewSet)` of Django REST framework.
    let by_router = language == Language::Python
        && lower == "register"
        && words(call.receiver()).last().is_some_and(|w| w == "router");
    let registers = VERBS.contains(&lower.as_str())
        || matches!(
            lower.as_str(),
            "all"
                | "any"
                | "route"
                | "handlefunc"
                | "handle"
                | "del"
                | "match"
                | "add_url_rule"
                | "methodfunc"
                | "group"
                | "resource"
                | "service"
                | "map"
        )
        || lower
            .strip_prefix("map")
            .is_some_and(|verb| VERBS.contains(&verb))
        || lower.ends_with("endpoint")
        || is_django && matches!(lower.as_str(), "path" | "re_path" | "url")
        || by_router;
    if !registers {
        return None;
    }
    let mut verb = VERBS
        .iter()
        .find(|verb| lower == **verb || lower == format!("map{verb}"))
        .map(|verb| verb.to_ascii_uppercase());
    if lower == "del" {
        verb = Some("DELETE".into());
    }
    let mut path = first.clone();
    if let Some((word, rest)) = first.split_once(' ')
        && VERBS.contains(&word.to_ascii_lowercase().as_str())
    {
        verb = Some(word.to_owned());
        rest.clone_into(&mut path);
    } else if VERBS.contains(&first.to_ascii_lowercase().as_str()) {
        verb = Some(first.to_ascii_uppercase());
        path.clone_from(call.texts.get(1)?);
    }
    let is_path = path.starts_with('/') || path.is_empty();
    let rails = language == Language::Ruby && !path.contains(' ');
    // Routes by name, `router.post("auth.delete", …)`, as remote procedures have them.
    let by_name =
        call.receiver().to_ascii_lowercase().ends_with("router") && !call.closures.is_empty();
    if !is_path && !is_django && !by_router && !rails && !by_name || path.contains(' ') {
        return None;
    }
    // `map.get("/x")` on a client or a collection answers nobody: a route has someone to answer.
    let has_handler = !call.closures.is_empty() || call.arguments.len() > 1;
    let chained = words(call.receiver())
        .iter()
        .any(|w| w == "route" || w == "router");
    if !has_handler && !chained {
        return None;
    }
    let client = words(call.receiver());
    // `http.HandleFunc` of Go registers; `http.get` of others asks.
    let asks = !matches!(lower.as_str(), "handlefunc" | "handle");
    if asks
        && ["axios", "http", "client", "fetch", "request", "ky", "agent"]
            .iter()
            .any(|c| client.last().is_some_and(|w| w == c))
        && call.closures.is_empty()
    {
        return None;
    }
    let names: Vec<&str> = call.names.split(' ').collect();
    let verb = verb
        .or_else(|| {
            call.texts
                .iter()
                .skip(1)
                .map(String::as_str)
                .chain(names.iter().copied())
                .find_map(|word| {
                    let word = word.to_ascii_lowercase();
                    VERBS
                        .contains(&word.as_str())
                        .then(|| word.to_ascii_uppercase())
                })
        })
        .unwrap_or_else(|| "ANY".into());
    let mut handler = names.last().copied().unwrap_or("").to_owned();
    // Laravel names the method in a string: `[SessionController::class, 'destroy']`.
    if matches!(language, Language::Php | Language::Ruby)
        && let Some(text) = call.texts.get(1)
    {
        text.rsplit(['@', '#'])
            .next()
            .unwrap_or("")
            .clone_into(&mut handler);
    }
    if is_django || by_router {
        handler = viewed(call).unwrap_or(handler);
    }
    Some(Route {
        method: verb,
        path,
        line: call.line,
        function: call.closures.last().copied(),
        handler,
        guards: call.names.clone(),
    })
}

/// The function or class that a route of Django leads to: its second argument, whatever is wrapped
/// around it and named behind it.
fn viewed(call: &Call) -> Option<String> {
    let names: Vec<&str> = call.arguments.get(1)?.split(' ').collect();
    let view = match names.iter().position(|name| *name == "as_view") {
        Some(at) => names.get(at.checked_sub(1)?),
        None => names.last(),
    };
    view.map(|name| (*name).to_owned())
}

/// What the routes of each class begin with, as an annotation of the class says.
fn prefixes(outline: &Outline) -> HashMap<&str, &str> {
    let mut out = HashMap::new();
    let of_classes = outline.annotations.iter().filter(|a| a.function.is_none());
    for annotation in of_classes {
        let name = annotation.path.rsplit('.').next().unwrap_or("");
        if matches!(
            name.to_ascii_lowercase().as_str(),
            "controller" | "requestmapping" | "route" | "path" | "restcontroller"
        ) {
            let text = annotation.texts.first().map_or("", String::as_str);
            out.entry(annotation.class.as_str()).or_insert(text);
        }
    }
    out
}

fn of_annotation(
    outline: &Outline,
    prefixes: &HashMap<&str, &str>,
    annotation: &Annotation,
) -> Option<Route> {
    let function = annotation.function?;
    let name = annotation.path.rsplit('.').next().unwrap_or("");
    let lower = name.to_ascii_lowercase();
    let short = lower.trim_end_matches("mapping").trim_start_matches("http");
    let verb = VERBS.iter().find(|verb| **verb == short);
    let mut method = verb.map(|verb| verb.to_ascii_uppercase());
    match lower.as_str() {
        "route" | "requestmapping" | "all" | "path" | "api_view" | "action" => {
            let word = annotation
                .texts
                .iter()
                .map(String::as_str)
                .chain(annotation.written.split(' '))
                .find_map(|t| {
                    let t = t.to_ascii_lowercase();
                    VERBS.contains(&t.as_str()).then(|| t.to_ascii_uppercase())
                });
            method = word.or_else(|| Some("ANY".into()));
        }
        "query" => method = Some("GET".into()),
        "mutation" => method = Some("POST".into()),
        _ => {}
    }
    let method = method?;
    let target = outline.functions.get(function)?;
    let prefix = prefixes.get(target.class.as_str()).copied().unwrap_or("");
    let own = annotation.texts.first().cloned().unwrap_or_default();
    let own = if matches!(lower.as_str(), "query" | "mutation") {
        target.name.clone()
    } else {
        own
    };
    Some(Route {
        method,
        path: format!(
            "/{}/{}",
            prefix.trim_matches('/'),
            own.trim_start_matches('/')
        )
        .replace("//", "/"),
        line: annotation.line,
        function: Some(function),
        handler: target.name.clone(),
        guards: target.annotations.join(" "),
    })
}

/// Frameworks where the file's place is the route.
fn of_file(file: &str, outline: &Outline) -> Vec<Route> {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let name = stem.rsplit('/').next().unwrap_or("");
    let is_api = name == "route"
        || name == "+server"
        || name == "+page.server"
        || stem.contains("pages/api/")
        || stem.contains("server/api/")
        || stem.contains("app/routes/");
    if !is_api {
        return Vec::new();
    }
    let place = ["app/", "pages/", "routes/", "server/"]
        .iter()
        .find_map(|root| stem.split_once(root).map(|(_, rest)| rest))
        .unwrap_or(stem);
    let path = format!(
        "/{}",
        place
            .trim_end_matches("/route")
            .trim_end_matches("/+server")
            .trim_end_matches("/index")
    );
    let mut out = Vec::new();
    for (index, function) in outline.functions.iter().enumerate() {
        let lower = function.name.to_ascii_lowercase();
        let method = if VERBS.contains(&lower.as_str()) && function.parent.is_none() {
            lower.to_ascii_uppercase()
        } else if function.parent.is_none()
            && matches!(lower.as_str(), "handler" | "action" | "loader" | "default")
        {
            "ANY".into()
        } else {
            continue;
        };
        out.push(Route {
            method,
            path: path.clone(),
            line: function.line,
            function: Some(index),
            handler: function.name.clone(),
            guards: String::new(),
        });
    }
    out
}

/// Rails and Laravel: a public method of a controller is a way in, whatever the route file says.
fn of_controller(outline: &Outline) -> Vec<Route> {
    outline
        .functions
        .iter()
        .enumerate()
        .filter(|(_, f)| {
            f.class.ends_with("Controller") && !f.name.is_empty() && f.parent.is_none()
        })
        .map(|(index, f)| {
            let method = match f.name.as_str() {
                "index" | "show" | "new" | "edit" => "GET",
                "create" | "store" => "POST",
                "destroy" | "delete" => "DELETE",
                "update" => "PUT",
                _ => "ANY",
            };
            let last = f.class.rsplit("::").next().unwrap_or("");
            let place = words(last.trim_end_matches("Controller")).join("-");
            Route {
                method: method.into(),
                path: format!("/{place}/{}", f.name),
                line: f.line,
                function: Some(index),
                handler: f.name.clone(),
                guards: f.annotations.join(" "),
            }
        })
        .collect()
}
