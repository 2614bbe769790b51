//! Tables for people, and how they write what the API says.

use std::fmt;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use serde::Serialize;
use serde_json::Value;

use crate::escape::Shown;

/// A table for people; every cell is made safe for a terminal.
pub(crate) struct Table(comfy_table::Table);

impl Table {
    /// A table with a header.
    pub(crate) fn new(header: &[&str]) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY);
        if !header.is_empty() {
            table.set_header(header);
        }
        Self(table)
    }

    /// A table of one thing: a name and a value in each row.
    pub(crate) fn of_one() -> Self {
        Self::new(&[])
    }

    /// Adds a row to a table of one thing.
    pub(crate) fn row(&mut self, name: &str, value: &str) {
        self.cells([name.to_owned(), value.to_owned()]);
    }

    /// Adds a row of any table.
    pub(crate) fn cells(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells = cells.into_iter().map(|cell| Shown(&cell).to_string());
        self.0.add_row(cells);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.0)
    }
}

/// The word by which the API calls a value, such as `evicted`.
pub(crate) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(Value::Null) | Err(_) => "–".to_owned(),
        Ok(other) => other.to_string(),
    }
}

/// The value, or a dash where there is none.
pub(crate) fn or_dash(value: Option<impl fmt::Display>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| value.to_string())
}

/// A number with its noun.
pub(crate) fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// A span of milliseconds in its two largest units; nothing is left of one that is over.
pub(crate) fn span(millis: i64) -> String {
    const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let mut seconds = u64::try_from(millis).unwrap_or_default() / 1_000;
    let mut parts = Vec::new();
    for (unit, length) in UNITS {
        let many = seconds / length;
        seconds %= length;
        // A smaller unit beside one that is two steps larger says nothing.
        if many > 0 || !parts.is_empty() {
            parts.push((many, unit));
        }
    }
    parts.truncate(2);
    parts.retain(|(many, _)| *many > 0);
    if parts.is_empty() {
        return "0s".to_owned();
    }
    let parts: Vec<_> = parts.iter().map(|(n, unit)| format!("{n}{unit}")).collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn given_a_span_when_shown_then_its_two_largest_units_are_and_never_less_than_nothing() {
        let seconds = [-1, 0, 59, 61, 3_600, 43_199, 90_000, 86_400 * 400 + 60];

        let shown = seconds.map(|seconds| span(seconds * 1_000));

        let expected = ["0s", "0s", "59s", "1m 1s", "1h", "11h 59m", "1d 1h", "400d"];
        assert_eq!(shown, expected);
    }
}
