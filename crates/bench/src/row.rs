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

/// The rows of a store that nodes share, by name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct SharedRows {
    pub(crate) check: &'static str,
    pub(crate) commands: &'static str,
    pub(crate) admit: &'static str,
    pub(crate) end_p50: &'static str,
    pub(crate) end_p99: &'static str,
    pub(crate) end_max: &'static str,
}

impl SharedRows {
    /// Those about the end of a session.
    pub(crate) const fn ends(&self) -> [&'static str; 3] {
        [self.end_p50, self.end_p99, self.end_max]
    }

    pub(crate) const fn all(&self) -> [&'static str; 6] {
        let [p50, p99, max] = self.ends();
        [self.check, self.commands, self.admit, p50, p99, max]
    }
}

pub(crate) const REDIS: SharedRows = SharedRows {
    check: "redis_check",
    commands: "redis_check_commands",
    admit: "redis_admit_64",
    end_p50: "redis_revoke_to_effect_p50",
    end_p99: "redis_revoke_to_effect_p99",
    end_max: "redis_revoke_to_effect_max",
};

pub(crate) const POSTGRES: SharedRows = SharedRows {
    check: "postgres_check",
    commands: "postgres_check_commands",
    admit: "postgres_admit_64",
    end_p50: "postgres_revoke_to_effect_p50",
    end_p99: "postgres_revoke_to_effect_p99",
    end_max: "postgres_revoke_to_effect_max",
};

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
