//! How many requests each route has answered, and how.

use std::collections::HashMap;
use std::sync::LazyLock;

use http::{Method, StatusCode};
use innkeeper_engine::metrics::{Counter, Text};

use crate::rest;
use crate::route::Route;

/// The statuses that are counted by themselves; all others are counted together.
const STATUSES: [u16; 23] = [
    200, 201, 202, 204, 303, 304, 400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 415, 422, 429,
    431, 500, 503, 0,
];

/// One row for each published route, and one for everything else: pages, and paths that nobody
/// has. So a caller can make no new series, whatever it asks for.
struct Traffic {
    rows: HashMap<&'static str, Vec<(Route, Row)>>,
    elsewhere: Row,
}

type Row = [Counter; STATUSES.len()];

static TRAFFIC: LazyLock<Traffic> = LazyLock::new(|| {
    let mut rows: HashMap<_, Vec<_>> = HashMap::new();
    for route in rest::published() {
        let path = route.path;
        rows.entry(path).or_default().push((route, Row::default()));
    }
    Traffic {
        rows,
        elsewhere: Row::default(),
    }
});

/// Counts an answer to a request for a route, as the router named it.
pub(crate) fn count(method: &Method, route: Option<&str>, status: StatusCode) {
    // What answers under the prefix is the same route.
    let route = route.map(|route| route.strip_prefix(rest::PREFIX).unwrap_or(route));
    let row = route
        .and_then(|route| TRAFFIC.rows.get(route))
        .and_then(|methods| methods.iter().find(|(of, _)| of.is_asked_by(method)));
    let row = row.map_or(&TRAFFIC.elsewhere, |(_, row)| row);
    let place = STATUSES.iter().position(|s| *s == status.as_u16());
    row[place.unwrap_or(STATUSES.len() - 1)].count();
}

/// Writes what was counted. A series begins with its first request.
pub(crate) fn write(text: &mut Text) {
    text.family(
        "innkeeper_http_requests_total",
        "counter",
        "Requests, by route and by the status of the answer.",
    );
    for (path, methods) in &TRAFFIC.rows {
        for (route, row) in methods {
            write_row(text, route.method.as_str(), path, row);
        }
    }
    write_row(text, "any", "elsewhere", &TRAFFIC.elsewhere);
}

fn write_row(text: &mut Text, method: &str, route: &str, row: &Row) {
    for (status, counter) in STATUSES.iter().zip(row) {
        if counter.get() > 0 {
            let status = match status {
                0 => "other".to_owned(),
                status => status.to_string(),
            };
            let labels = [("method", method), ("route", route), ("status", &status)];
            text.sample(&labels, counter.get());
        }
    }
}
