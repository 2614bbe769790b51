//! The everyday share of the simulation: a bounded number of seeds, and that a seed repeats.

use innkeeper_simulation::tally::Tally;
use innkeeper_simulation::world::{Run, run, run_embedded, run_nodes, run_rolling};

const SEEDS: u64 = 100;

#[test]
fn given_seeds_when_run_then_no_promise_is_broken_and_every_fault_was_there() {
    keep_every_promise("--reference ", run);
}

/// Nodes get a new policy one by one, and those that have an older one follow in time.
#[test]
fn given_seeds_when_a_policy_is_rolled_out_then_no_promise_is_broken_and_every_fault_was_there() {
    keep_every_promise("--rolling ", run_rolling);
}

/// The engine over the embedded store, which crashes at any write and sync.
#[test]
fn given_seeds_when_the_store_lies_on_files_that_crash_then_no_promise_is_broken() {
    keep_every_promise("--embedded ", run_embedded);
}

/// Nodes behind lines that are slow and cut, with leases, over a store that fails over.
#[test]
fn given_seeds_when_nodes_share_a_store_then_no_promise_is_broken_and_every_fault_was_there() {
    keep_every_promise("--nodes ", run_nodes);
}

fn keep_every_promise(how: &str, run: fn(u64) -> Run) {
    let mut tally = Tally::default();
    for seed in 0..SEEDS {
        let run = run(seed);
        tally.add(&run.tally);
        let found: Vec<String> = run.violations.iter().map(ToString::to_string).collect();
        assert!(
            found.is_empty(),
            "cargo xtask simulate {how}--seed {seed} --trace\n{}",
            found.join("\n")
        );
    }

    println!("{tally:?}");
    assert!(
        tally.missing().is_empty(),
        "never exercised: {:?}",
        tally.missing()
    );
}

#[test]
fn given_a_seed_when_run_twice_then_both_histories_are_the_same() {
    for run in [run, run_embedded, run_nodes] {
        let told = || format!("{:?}", run(7).history);

        assert_eq!(told(), told());
    }
}
