//! Rounds of two measurements by turns, and what they come to.

use crate::row::Row;

/// The middle of some figures.
pub(crate) fn median(figures: &[f64]) -> f64 {
    percentile(figures, 50)
}

/// The least of these figures that at least so many of a hundred do not exceed (nearest rank); of
/// none of a hundred, the least.
pub(crate) fn percentile(figures: &[f64], of_hundred: usize) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * of_hundred).div_ceil(100);
    let place = rank.saturating_sub(1);
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

/// A count as a figure; the counts here are far below 2^52.
#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
pub(crate) const fn figure(count: u64) -> f64 {
    count as f64
}

/// As [`figure`].
#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
pub(crate) const fn figure_of(count: usize) -> f64 {
    count as f64
}

/// What several rounds of a measurement and of its floor said.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    values: Vec<f64>,
    floors: Vec<f64>,
}

impl Rounds {
    /// Adds a round: both by turns, so that they meet the same neighbours on the machine.
    pub(crate) fn push(&mut self, value: f64, floor: f64) {
        self.values.push(value);
        self.floors.push(floor);
    }

    /// The row of these rounds.
    pub(crate) fn row(&self, name: &str, unit: &str, floor_name: &str) -> Row {
        let pairs = self.values.iter().zip(&self.floors);
        let ratios: Vec<f64> = pairs.map(|(value, floor)| value / floor).collect();
        let mut row = Row::alone(name, median(&self.values), unit);
        if ratios.len() > 1 {
            row.spread = Some([percentile(&ratios, 0), percentile(&ratios, 100)]);
        }
        row.over(median(&self.floors), floor_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a hundred figures, the one that 99 do not exceed was the greatest, so that a row of p99
    /// and the one of the greatest were the same number.
    #[test]
    fn given_a_hundred_figures_when_the_one_that_99_do_not_exceed_is_asked_for_then_it_is_not_the_greatest()
     {
        let figures: Vec<f64> = (1..=100).rev().map(figure).collect();

        let shares = [0, 1, 50, 99, 100].map(|share| percentile(&figures, share));

        assert_eq!(shares.to_vec(), vec![1.0, 1.0, 50.0, 99.0, 100.0]);
    }

    #[test]
    fn given_rounds_when_summed_up_then_the_ratio_is_that_of_the_medians_shown_and_the_spread_that_of_rounds()
     {
        let mut rounds = Rounds::default();
        for (value, floor) in [(2.0, 1.0), (40.0, 20.0), (3.0, 2.0)] {
            rounds.push(value, floor);
        }

        let row = rounds.row("admit_1", "a second", "floor");

        assert_eq!(
            (row.value, row.floor, row.ratio),
            (3.0, Some(2.0), Some(1.5))
        );
        assert_eq!(row.spread, Some([1.5, 2.0]));
    }
}
