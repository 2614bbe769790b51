//! Tables for people, and how they write what the API says.

use std::fmt;

use comfy_table::presets::{NOTHING, UTF8_HORIZONTAL_ONLY};
use comfy_table::{ColumnConstraint, ContentArrangement, Width};
use serde::Serialize;
use serde_json::Value;

use crate::escape::Whole;
use crate::print;

/// A table for people; every cell is made safe for a terminal, and none is cut.
///
/// In a pipe or a file each row is one line, however long. On a terminal, cells are wrapped between
/// words until the table fits; where whole words leave no room for that, each row becomes a table of
/// its own, as `psql` shows it. So an id, which is one word, can always be pasted.
pub(crate) struct Table {
    /// Nothing in a table of one thing.
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with a header.
    pub(crate) fn new(header: &[&str]) -> Self {
        Self {
            header: header.iter().map(|&name| name.to_owned()).collect(),
            rows: Vec::new(),
        }
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
        let cells = cells.into_iter().map(|cell| Whole(&cell).to_string());
        self.rows.push(cells.collect());
    }

    /// As text for somebody who sees so many columns, or for whom there is no end of a line.
    fn laid_out(&self, columns: Option<u16>) -> String {
        let mut table = self.drawn(str::to_owned);
        let Some(columns) = columns else {
            return table.trim_fmt();
        };
        let words = self.drawn(|cell| cell.replace(' ', "\n"));
        let longest = words.column_max_content_widths();
        let least = table.column_iter().zip(longest).map(|(column, word)| {
            ColumnConstraint::LowerBoundary(Width::Fixed(word + column.padding_width()))
        });
        let least: Vec<_> = least.collect();
        table
            .set_constraints(least)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(columns);
        let text = table.trim_fmt();
        // Its uppermost line is as wide as the table.
        let width = text.lines().next().map_or(0, |line| line.chars().count());
        if self.header.is_empty() || width <= columns.into() {
            return text;
        }
        let records = self.rows.iter().map(|row| {
            let mut record = Self::of_one();
            let pairs = self.header.iter().zip(row);
            record.rows = pairs
                .map(|(n, cell)| vec![n.clone(), cell.clone()])
                .collect();
            record.laid_out(Some(columns))
        });
        records.collect::<Vec<_>>().join("\n\n")
    }

    fn drawn(&self, cell: impl Fn(&str) -> String) -> comfy_table::Table {
        let mut table = comfy_table::Table::new();
        table.load_style(if self.header.is_empty() {
            NOTHING
        } else {
            UTF8_HORIZONTAL_ONLY
        });
        let line = |cells: &[String]| cells.iter().map(|c| cell(c)).collect::<Vec<_>>();
        if !self.header.is_empty() {
            table.set_header(line(&self.header));
        }
        table.add_rows(self.rows.iter().map(|row| line(row)));
        table
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.laid_out(print::columns()))
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
    use super::{Table, span};

    const ID: &str = "ses_0123456789-0123456789-0123456789-0123456789";

    fn sessions() -> Table {
        let mut table = Table::new(&["id", "device", "last seen", "means"]);
        for client in ["tv", "web"] {
            let means = format!("--client {client} --group staff --ip 203.0.113.0/24");
            let at = "2026-01-02T03:04:05.678Z".to_owned();
            table.cells([ID.to_owned(), "Firefox on Linux".to_owned(), at, means]);
        }
        table
    }

    fn widest(text: &str) -> usize {
        let widths = text.lines().map(|line| line.chars().count());
        widths.max().unwrap_or_default()
    }

    #[test]
    fn given_a_pipe_when_a_table_is_printed_then_each_row_is_one_line_and_whole() {
        let long = "x".repeat(1_000);
        let mut table = sessions();
        table.cells([ID, &long, "a b", "c"].map(str::to_owned));

        let text = table.laid_out(None);

        let with_id: Vec<_> = text.lines().filter(|line| line.contains(ID)).collect();
        assert_eq!(with_id.len(), 3, "{text}");
        assert!(with_id[2].contains(&long) && with_id[2].contains("a b"));
    }

    #[test]
    fn given_a_terminal_that_whole_words_fit_when_printed_then_cells_are_wrapped_between_words() {
        let table = sessions();

        let text = table.laid_out(Some(120));

        assert!(widest(&text) <= 120, "{text}");
        assert!(text.contains("last seen"), "{text}");
        assert_eq!(text.matches(ID).count(), 2, "{text}");
        assert_eq!(text.matches("203.0.113.0/24").count(), 2, "{text}");
        assert!(text.lines().count() > table.laid_out(None).lines().count());
    }

    #[test]
    fn given_a_terminal_too_narrow_for_that_when_printed_then_each_row_is_a_table_of_its_own() {
        let table = sessions();

        let text = table.laid_out(Some(80));

        assert!(widest(&text) <= 80, "{text}");
        assert_eq!(text.matches(ID).count(), 2, "{text}");
        assert_eq!(text.matches("device").count(), 2, "{text}");
        assert!(text.contains("\n\n"), "{text}");
    }

    #[test]
    fn given_a_terminal_narrower_than_an_id_when_printed_then_the_id_is_whole_all_the_same() {
        let text = sessions().laid_out(Some(20));

        assert_eq!(text.matches(ID).count(), 2, "{text}");
    }

    #[test]
    fn given_hostile_text_in_a_cell_when_printed_then_it_stays_text_and_whole() {
        let mut table = Table::of_one();
        table.row("name", &format!("\u{1b}[31m{}end", "x".repeat(300)));

        let text = table.laid_out(Some(80));

        assert!(!text.contains('\u{1b}'));
        assert!(text.contains("xend"), "{text}");
    }

    #[test]
    fn given_a_span_when_shown_then_its_two_largest_units_are_and_never_less_than_nothing() {
        let seconds = [-1, 0, 59, 61, 3_600, 43_199, 90_000, 86_400 * 400 + 60];

        let shown = seconds.map(|seconds| span(seconds * 1_000));

        let expected = ["0s", "0s", "59s", "1m 1s", "1h", "11h 59m", "1d 1h", "400d"];
        assert_eq!(shown, expected);
    }
}
