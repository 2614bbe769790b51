//! Rows: a figure, the floor it was measured beside, and what the two make.

use serde::{Deserialize, Serialize};

/// The rows that programs rely on, by name.
pub const ROWS: &[&str] = &[
    "check_1m",
    "check_10m",
    "check_10m_to_1m",
    "http_check",
    "http_check_p99",
    "http_forward_auth",
    "http_forward_auth_p99",
    "admit_1",
    "admit_16",
    "admit_64",
    "admit_256",
    "bytes_1m",
    "bytes_10m",
    "open_1m",
    "open_10m",
    "start_to_ready",
    "resident_empty",
    "revoke_to_effect_p99",
];

/// One figure.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// The figure: the median of its rounds.
    pub value: f64,
    /// Its unit.
    pub unit: String,
    /// The floor in the same unit and the same run, where there is one.
    pub floor: Option<f64>,
    /// What the floor is.
    pub floor_name: Option<String>,
    /// `value / floor`, of the two figures beside it.
    pub ratio: Option<f64>,
    /// The least and the greatest ratio of a round, where there were several.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub spread: Option<[f64; 2]>,
    /// What `DESIGN` asks for, in words.
    pub goal: Option<String>,
    /// Whether it stands beside the rows of the contract, to explain one of them.
    #[serde(skip, default)]
    pub(crate) is_beside: bool,
}

impl Row {
    /// A figure without a floor.
    pub(crate) fn alone(name: &str, value: f64, unit: &str) -> Self {
        Self {
            name: name.into(),
            value,
            unit: unit.into(),
            floor: None,
            floor_name: None,
            ratio: None,
            spread: None,
            goal: None,
            is_beside: false,
        }
    }

    /// Sets the floor beside it.
    pub(crate) fn over(mut self, floor: f64, floor_name: &str) -> Self {
        self.floor = Some(floor);
        self.floor_name = Some(floor_name.into());
        self.ratio = Some(self.value / floor);
        self
    }

    /// Says what it should be.
    pub(crate) fn goal(mut self, goal: &str) -> Self {
        self.goal = Some(goal.into());
        self
    }

    /// Says that it only explains another.
    pub(crate) fn beside(mut self) -> Self {
        self.is_beside = true;
        self
    }
}

/// All that one run measured.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Report {
    /// The name of this form.
    pub schema: String,
    /// What it was measured on.
    pub machine: String,
    /// The figures.
    pub rows: Vec<Row>,
    /// Rows that were left out, and why.
    pub left_out: Vec<LeftOut>,
}

/// A row that was asked for and has no figure.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LeftOut {
    /// Which.
    pub name: String,
    /// Why.
    pub why: String,
    /// Whether the caller asked for so little, by `--quick`.
    #[serde(skip, default)]
    pub is_chosen: bool,
}

impl Report {
    pub(crate) fn new(machine: String) -> Self {
        Self {
            schema: "innkeeper.bench/1".into(),
            machine,
            rows: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// The first row that was asked for and could not be measured.
    #[must_use]
    pub fn not_measured(&self) -> Option<&LeftOut> {
        self.left_out.iter().find(|row| !row.is_chosen)
    }

    /// Notes rows that cannot be measured.
    pub(crate) fn leave_out(&mut self, rows: &[&str], why: &str) {
        self.left_out.extend(left_out(rows, why, false));
    }

    /// Notes rows that the caller did not want measured.
    pub(crate) fn pass_over(&mut self, rows: &[&str], why: &str) {
        self.left_out.extend(left_out(rows, why, true));
    }
}

fn left_out(rows: &[&str], why: &str, is_chosen: bool) -> impl Iterator<Item = LeftOut> {
    rows.iter().map(move |name| LeftOut {
        name: (*name).into(),
        why: why.into(),
        is_chosen,
    })
}
