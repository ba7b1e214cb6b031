//! What was measured: one row per question, one value per program.

use std::time::Duration;

/// A promise of the design, and what it is held against.
#[derive(Clone, Copy, Debug)]
pub enum Budget {
    /// No more than so much.
    AtMost(f64),
    /// No less.
    AtLeast(f64),
    /// This and nothing else.
    Exactly(f64),
    /// No more than so many times the floor.
    TimesFloor(f64),
    /// No less than this part of what the floor reaches.
    PartOfFloor(f64),
}

/// How a value is written.
#[derive(Clone, Copy, Debug)]
pub enum Unit {
    Milliseconds,
    Mebibytes,
    Rate,
    Count,
}

impl Unit {
    pub fn text(self, value: f64) -> String {
        match self {
            Self::Milliseconds if value < 1.0 => format!("{value:.3} ms"),
            Self::Milliseconds if value < 20.0 => format!("{value:.2} ms"),
            Self::Milliseconds => format!("{value:.0} ms"),
            Self::Mebibytes => format!("{value:.1} MiB"),
            Self::Rate => format!("{value:.0}/s"),
            Self::Count => format!("{value:.0}"),
        }
    }
}

/// The program that is judged, and what it is judged by.
pub const OURS: &str = "keyward";
pub const FLOOR: &str = "floor";

/// One question.
#[derive(Clone, Debug)]
pub struct Row {
    pub what: String,
    pub unit: Unit,
    pub budget: Option<Budget>,
    /// By the names of the programs.
    pub values: Vec<(String, f64)>,
    /// Whether it stands in the README.
    pub is_told: bool,
}

impl Row {
    pub fn new(what: impl Into<String>, unit: Unit) -> Self {
        Self { what: what.into(), unit, budget: None, values: Vec::new(), is_told: false }
    }

    #[must_use]
    pub fn within(self, budget: Budget) -> Self {
        Self { budget: Some(budget), ..self }
    }

    /// Shown in the README, too.
    #[must_use]
    pub fn told(self) -> Self {
        Self { is_told: true, ..self }
    }

    #[must_use]
    pub fn with(mut self, program: impl Into<String>, value: f64) -> Self {
        self.values.push((program.into(), value));
        self
    }

    pub fn value(&self, program: &str) -> Option<f64> {
        self.values.iter().find(|(name, _)| name == program).map(|(_, value)| *value)
    }

    /// What the budget comes to here, and whether it holds; `None` without one, or where something is missing.
    pub fn verdict(&self) -> Option<(String, bool)> {
        let ours = self.value(OURS)?;
        let floor = self.value(FLOOR);
        Some(match self.budget? {
            Budget::AtMost(most) => (format!("≤ {}", self.unit.text(most)), ours <= most),
            Budget::Exactly(value) => (self.unit.text(value), (ours - value).abs() < f64::EPSILON),
            Budget::AtLeast(least) => (format!("≥ {}", self.unit.text(least)), ours >= least),
            Budget::TimesFloor(times) => {
                let most = floor? * times;
                (format!("≤ {times} × floor = {}", self.unit.text(most)), ours <= most)
            }
            Budget::PartOfFloor(part) => {
                let least = floor? * part;
                (format!("≥ {:.0} % of floor = {}", part * 100.0, self.unit.text(least)), ours >= least)
            }
        })
    }
}

/// One line of a plot.
#[derive(Clone, Debug)]
pub struct Curve {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

/// One plot: how something grows with something else.
#[derive(Clone, Debug)]
pub struct Plot {
    pub file: &'static str,
    pub title: String,
    pub across: &'static str,
    pub up: &'static str,
    pub is_logarithmic: bool,
    pub curves: Vec<Curve>,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Figures {
    pub rows: Vec<Row>,
    pub plots: Vec<Plot>,
    /// What could not be measured, and why.
    pub missing: Vec<String>,
}

impl Figures {
    /// Notes what could not be measured, once.
    pub fn note(&mut self, what: String) {
        if !self.missing.contains(&what) {
            self.missing.push(what);
        }
    }

    pub fn add(&mut self, row: Row) {
        let values: Vec<String> =
            row.values.iter().map(|(name, value)| format!("{name} {}", row.unit.text(*value))).collect();
        eprintln!("  {}: {}", row.what, values.join(", "));
        self.rows.push(row);
    }
}

/// The part of the values that lies below; 0.5 is the median. The values are put in order.
pub fn percentile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "it is a place in the list"
    )]
    let place = (last as f64 * part).round() as usize;
    values.get(place).copied().unwrap_or_default()
}

pub fn median(values: &mut [f64]) -> f64 {
    percentile(values, 0.5)
}

pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below the limit")]
pub fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
