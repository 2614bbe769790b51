//! The everyday share of the model: the smallest worlds, each in full.

use innkeeper_model::worlds::{beyond, explore, worlds};

#[test]
fn given_small_worlds_when_every_order_is_tried_then_code_and_specification_agree() {
    let mut all = worlds(2, 0);
    all.extend(worlds(1, 1));

    let explored = explore(all);

    println!("{} worlds, {} states", explored.worlds, explored.states);
    assert!(explored.states > 0);
    assert_eq!(explored.broken, [""; 0]);
    // It takes one caller more; the command sees it.
    let unseen: Vec<_> = explored.unseen.into_iter().collect();
    assert_eq!(unseen, ["a rotation is repeated"]);
}

/// With fewer than two others the command took everything for seen, also where nothing happened.
#[test]
fn given_few_callers_when_explored_then_exactly_that_is_unseen_which_takes_more() {
    for (sign_ins, others) in [(0, 0), (0, 1), (1, 0), (2, 0), (1, 1)] {
        let explored = explore(worlds(sign_ins, others));

        let too_few = beyond(sign_ins, others);
        assert_eq!(explored.unseen, too_few, "{sign_ins} and {others}");
    }
}
