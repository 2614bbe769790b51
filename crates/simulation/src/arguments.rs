//! The words of the command line. What cannot be meant is refused: nothing, twice, or two worlds.

use std::num::NonZeroU64;

use clap::{Args, Parser, Subcommand};

/// Runs the simulation, as `cargo xtask` calls it.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) chore: Chore,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Chore {
    /// Many seeds, or one with all that happened in it
    Simulate(Simulate),
    /// Planted flaws, each run until it is caught
    Flaws {
        /// How many seeds it may take
        #[arg(long, default_value = "5000", value_parser = from_one_up)]
        seeds: NonZeroU64,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Simulate {
    #[command(flatten)]
    pub(crate) worlds: Worlds,
    /// How many seeds
    #[arg(long, default_value = "1000", value_parser = from_one_up, conflicts_with = "seed")]
    pub(crate) seeds: NonZeroU64,
    /// The first of them
    #[arg(long, default_value_t = 0, conflicts_with = "seed")]
    pub(crate) from: u64,
    /// This seed alone
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Print all that happened in it
    #[arg(long, requires = "seed")]
    pub(crate) trace: bool,
}

/// What seeds are run over; without a word, over the reference store and the embedded one.
#[derive(Args, Debug)]
#[group(multiple = false)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a word of the command line, and one at most is there"
)]
pub(crate) struct Worlds {
    /// The reference store alone
    #[arg(long)]
    pub(crate) reference: bool,
    /// The embedded store alone, on files that crash
    #[arg(long)]
    pub(crate) embedded: bool,
    /// Nodes that share a store, each behind a line of its own
    #[arg(long)]
    pub(crate) nodes: bool,
    /// Nodes that get a new policy one by one
    #[arg(long)]
    pub(crate) rolling: bool,
}

fn from_one_up(word: &str) -> Result<NonZeroU64, &'static str> {
    word.parse()
        .map_err(|_| "it takes a whole number from 1 up")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_what_cannot_be_meant_when_read_then_it_is_refused_rather_than_guessed_at() {
        for words in [
            "",
            "simulate --rolling --embedded",
            "simulate --nodes --reference",
            "simulate --nodes --nodes",
            "simulate --seeds 0",
            "simulate --seeds 10 --seed 7",
            "simulate --from 10 --seed 7",
            "simulate --trace",
            "simulate --seed",
            "simulate --sed 7",
            "flaws --seeds 0",
            "flaws --nodes",
        ] {
            let line = format!("simulation {words}");
            let read = Arguments::try_parse_from(line.split_whitespace());

            assert!(read.is_err(), "{words}: {read:?}");
        }
    }
}
