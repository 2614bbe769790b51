//! The words of the command line. A siege of nothing would prove nothing, so a number is from one
//! up; where nothing has a meaning of its own, it says so.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};

/// Lays siege to the binary, as `cargo xtask` calls it.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) siege: Siege,
    /// Another binary than the `innkeeper` beside this program
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) binary: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Siege {
    /// Simultaneous sign-ins
    Rounds(OfRounds),
    /// Kills under load
    Kills(OfKills),
    /// A policy tried, and then put
    PolicyTry(OfPolicyTry),
    /// A bulk revocation beside sign-ins and checks
    Bulk(OfBulk),
}

#[derive(Args, Debug)]
pub(crate) struct OfRounds {
    /// How many rounds
    #[arg(long, default_value = "1000", value_parser = count::<NonZeroU64>)]
    pub(crate) rounds: NonZeroU64,
    /// The limit of the policy
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
    /// How many sign in at once
    #[arg(long, default_value = "200", value_parser = count::<NonZeroUsize>)]
    pub(crate) sign_ins: NonZeroUsize,
    /// So many nodes share a PostgreSQL
    #[arg(long, value_name = "NODES", value_parser = count::<NonZeroUsize>)]
    pub(crate) postgres: Option<NonZeroUsize>,
    /// So many nodes share a Redis
    #[arg(long, value_name = "NODES", value_parser = count::<NonZeroUsize>, conflicts_with = "postgres")]
    pub(crate) redis: Option<NonZeroUsize>,
}

#[derive(Args, Debug)]
pub(crate) struct OfKills {
    /// How many rounds, each of which ends with a kill
    #[arg(long, default_value = "500", value_parser = count::<NonZeroU64>)]
    pub(crate) rounds: NonZeroU64,
    /// Every so many rounds the process is stopped for a while first; 0 for never
    #[arg(long, default_value_t = 5)]
    pub(crate) pause_every: u64,
    /// Every so many rounds the disk is full first; 0 for never
    #[arg(long, default_value_t = 7)]
    pub(crate) full_every: u64,
}

#[derive(Args, Debug)]
pub(crate) struct OfPolicyTry {
    /// How many subjects
    #[arg(long, default_value = "100000", value_parser = count::<NonZeroUsize>)]
    pub(crate) subjects: NonZeroUsize,
}

#[derive(Args, Debug)]
pub(crate) struct OfBulk {
    /// How many sessions are ended
    #[arg(long, default_value = "100000", value_parser = count::<NonZeroUsize>)]
    pub(crate) sessions: NonZeroUsize,
    /// How many checks a second go on beside
    #[arg(long, default_value = "500", value_parser = count::<NonZeroU32>)]
    pub(crate) checks: NonZeroU32,
    /// For how many seconds checks are measured before
    #[arg(long, default_value = "10", value_parser = count::<NonZeroU32>)]
    pub(crate) seconds: NonZeroU32,
}

/// A number of things, of which there is at least one.
fn count<N: FromStr>(word: &str) -> Result<N, &'static str> {
    word.parse()
        .map_err(|_| "it takes a whole number from 1 up")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(format!("siege {words}").split_whitespace())
    }

    #[test]
    fn given_a_siege_of_nothing_when_read_then_it_is_refused_with_a_sentence() {
        for words in [
            "rounds --rounds 0",
            "rounds --limit 0",
            "rounds --limit 1001",
            "rounds --sign-ins 0",
            "rounds --postgres 0",
            "rounds --redis 0",
            "kills --rounds 0",
            "policy-try --subjects 0",
            "bulk --sessions 0",
            "bulk --checks 0",
            "bulk --seconds 0",
            "bulk --checks -1",
            "bulk --checks many",
        ] {
            let said = read(words).expect_err(words).to_string();

            let says = said.contains("from 1 up") || said.contains("1..=1000");
            assert!(says || said.contains("unexpected argument"), "{said}");
        }
    }

    #[test]
    fn given_two_stores_or_a_strange_word_when_read_then_it_is_refused() {
        for words in [
            "",
            "rounds --postgres 3 --redis 3",
            "kills --round 3",
            "rout",
        ] {
            assert!(read(words).is_err(), "{words}");
        }
    }

    #[test]
    fn given_no_pauses_and_no_full_disks_when_read_then_that_is_what_is_meant() {
        let read = read("kills --pause-every 0 --full-every 0 --binary innkeeper");

        let Ok(Arguments {
            siege: Siege::Kills(kills),
            binary: Some(_),
        }) = read
        else {
            panic!("{read:?}");
        };
        assert_eq!((kills.pause_every, kills.full_every), (0, 0));
        assert_eq!(kills.rounds.get(), 500);
    }
}
