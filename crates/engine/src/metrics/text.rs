//! The text that Prometheus reads.

use std::fmt::Write as _;

/// Samples in the text format of Prometheus, version 0.0.4.
///
/// Names and labels come from our own source, so that there is nothing in them to be escaped.
#[derive(Debug, Default)]
pub struct Text {
    written: String,
    family: &'static str,
}

impl Text {
    /// The media type of the text.
    pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

    /// Begins a family: what follows are its samples.
    pub fn family(&mut self, name: &'static str, kind: &str, about: &str) {
        self.family = name;
        let _ = writeln!(self.written, "# HELP {name} {about}\n# TYPE {name} {kind}");
    }

    /// Adds a sample of the family.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: u64) {
        self.sample_of("", labels, format_args!("{value}"));
    }

    fn sample_of(&mut self, part: &str, labels: &[(&str, &str)], value: std::fmt::Arguments<'_>) {
        self.written.push_str(self.family);
        self.written.push_str(part);
        for (place, (name, word)) in labels.iter().enumerate() {
            let before = if place == 0 { '{' } else { ',' };
            let _ = write!(self.written, "{before}{name}=\"{word}\"");
        }
        let after = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.written, "{after} {value}");
    }

    /// Adds a histogram of seconds, from classes that end at so many microseconds.
    pub(super) fn histogram(
        &mut self,
        name: &'static str,
        about: &str,
        ends: &[u64],
        counts: impl Iterator<Item = u64>,
        micros: u64,
    ) {
        self.family(name, "histogram", about);
        let mut total = 0;
        for (place, count) in counts.enumerate() {
            total += count;
            let end = ends
                .get(place)
                .map_or("+Inf".to_owned(), |end| seconds(*end));
            self.sample_of("_bucket", &[("le", &end)], format_args!("{total}"));
        }
        self.sample_of("_sum", &[], format_args!("{}", seconds(micros)));
        self.sample_of("_count", &[], format_args!("{total}"));
    }

    /// The text.
    #[must_use]
    pub fn into_string(self) -> String {
        self.written
    }
}

/// Microseconds as seconds, exactly.
fn seconds(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}
