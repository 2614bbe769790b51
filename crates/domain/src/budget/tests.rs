//! Budgets: what they take, what they leave to others, and what filling their table comes to.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::device::{DeviceId, DeviceSerial};
use crate::name::TenantId;
use crate::time::Timestamp;
use crate::token::{RosterTag, TagKey};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn budget(text: &str) -> Budget {
    Budget::parse(text).expect("it is a budget")
}

fn key() -> TagKey {
    TagKey::from_entropy([7; 32])
}

fn address(text: &str) -> Network {
    Network::of(text.parse().expect("it is an address"))
}

fn from(who: &str, place: &str) -> Attempt {
    Attempt::of_stranger(&key(), &TenantId::default(), who, Some(address(place)))
}

/// Alice on a device of hers, at a place of its own.
fn device(number: u8) -> Attempt {
    device_at(number, &format!("198.51.100.{number}"))
}

fn device_at(number: u8, place: &str) -> Attempt {
    let tag = RosterTag::from_bytes([1; 16]);
    let id = DeviceId::new(tag, DeviceSerial([number; 12]));
    from("alice", place).on_known_device(&key(), id)
}

/// How many of so many tries at one moment are let through.
fn through(budgets: &mut Budgets, attempt: &Attempt, tries: usize, now: Timestamp) -> usize {
    let budget = Budget::TEN_A_MINUTE;
    let spend = |_| budgets.spend(attempt, budget, now).is_ok();
    (0..tries).map(spend).filter(|done| *done).count()
}

#[test]
fn given_a_budget_as_text_when_read_and_written_then_it_is_the_same() {
    for text in ["10/1m", "1/1s", "100000/1d", "3/90s", "5/12h"] {
        assert_eq!(budget(text).to_string(), text);
    }
    assert_eq!(budget("10/60s"), Budget::TEN_A_MINUTE);
    assert_eq!(budget("010/60000ms").to_string(), "10/1m");
}

#[test]
fn given_what_is_no_budget_when_read_then_it_says_why() {
    for (text, why) in [
        ("", NotABudget::Form),
        ("10", NotABudget::Form),
        ("10/", NotABudget::Form),
        ("/1m", NotABudget::Form),
        ("10/m", NotABudget::Form),
        ("10/60", NotABudget::Form),
        ("10/1m/1h", NotABudget::Form),
        ("10 / 1m", NotABudget::Form),
        ("-1/1m", NotABudget::Form),
        ("+1/1m", NotABudget::Form),
        ("1.5/1m", NotABudget::Form),
        ("unlimited", NotABudget::Form),
        ("0/1m", NotABudget::None),
        ("100001/1m", NotABudget::TooMany),
        ("99999999999999999999/1m", NotABudget::TooMany),
        ("10/0s", NotABudget::Span),
        ("10/1500ms", NotABudget::Span),
        ("10/25h", NotABudget::Span),
        ("10/99999999999999999999d", NotABudget::Span),
    ] {
        assert_eq!(Budget::parse(text), Err(why), "{text}");
    }
}

#[test]
fn given_two_budgets_when_compared_then_faster_is_more_at_once_or_more_in_the_long_run() {
    let ten = budget("10/1m");
    for (text, is_faster) in [
        ("10/60s", false),
        ("9/1m", false),
        ("1/6s", false),
        ("10/2m", false),
        ("11/1h", true),
        ("10/59s", true),
        ("1/5s", true),
    ] {
        assert_eq!(budget(text).is_faster_than(ten), is_faster, "{text}");
    }
}

#[test]
fn given_a_busy_place_when_somebody_new_gets_through_then_what_is_left_is_told_of_what_binds_most()
{
    let mut budgets = Budgets::default();
    for number in 0..90 {
        let somebody = from(&format!("user{number}"), "203.0.113.7");
        let spent = budgets.spend(&somebody, Budget::TEN_A_MINUTE, NOW);
        spent.expect("there is room");
    }
    let mut told = |who: &str| {
        let left = budgets.spend(&from(who, "203.0.113.7"), Budget::TEN_A_MINUTE, NOW);
        let left = left.expect("there is room");
        (left.against, left.left)
    };

    assert_eq!(told("alice"), (Against::SubjectAndNetwork, 9), "both nine");
    assert_eq!(told("bob"), (Against::Network, 8));
    assert_eq!(told("alice"), (Against::Network, 7));
}

#[test]
fn given_ten_a_minute_when_eleven_are_tried_at_once_then_ten_get_through_and_one_waits_six_seconds()
{
    let mut budgets = Budgets::default();
    let alice = from("alice", "203.0.113.7");

    let left: Vec<_> = (0..10)
        .map(|_| budgets.spend(&alice, Budget::TEN_A_MINUTE, NOW))
        .map(|left| left.expect("there is room").left)
        .collect();
    let spent = budgets.spend(&alice, Budget::TEN_A_MINUTE, NOW);

    assert_eq!(left, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    assert_eq!(
        spent,
        Err(Spent {
            against: Against::SubjectAndNetwork,
            budget: Budget::TEN_A_MINUTE,
            wait: Duration::from_secs(6),
        })
    );
}

#[test]
fn given_a_spent_budget_when_time_passes_then_one_comes_back_at_a_time_until_it_is_whole() {
    let mut budgets = Budgets::default();
    let alice = from("alice", "203.0.113.7");
    let after = |seconds| NOW.plus(Duration::from_secs(seconds));

    assert_eq!(through(&mut budgets, &alice, 20, NOW), 10);
    assert_eq!(through(&mut budgets, &alice, 20, after(5)), 0);
    assert_eq!(through(&mut budgets, &alice, 20, after(6)), 1);
    assert_eq!(through(&mut budgets, &alice, 20, after(24)), 3);
    assert_eq!(through(&mut budgets, &alice, 20, after(3600)), 10);
}

#[test]
fn given_any_share_of_a_span_when_tried_at_once_then_exactly_as_many_get_through_as_it_says() {
    for text in ["7/1m", "59999/1m", "100000/1s", "1/1d", "3/1s", "999/1s"] {
        let mut budgets = Budgets::new(1024, 16);
        let (budget, device) = (budget(text), device(1));
        let tried = (0..=budget.most()).filter(|_| budgets.spend(&device, budget, NOW).is_ok());

        assert_eq!(tried.count(), budget.most() as usize, "{text}");
    }
}

#[test]
fn given_a_flood_from_one_address_when_the_owner_comes_from_another_then_nothing_is_used_up() {
    // V4: a flood spends the attacker's budget.
    let mut budgets = Budgets::default();

    assert_eq!(
        through(&mut budgets, &from("alice", "198.51.100.1"), 1000, NOW),
        10
    );

    assert_eq!(
        through(&mut budgets, &from("alice", "203.0.113.7"), 11, NOW),
        10
    );
}

#[test]
fn given_a_flood_behind_the_owners_own_address_when_on_a_known_device_then_the_owner_gets_in() {
    let mut budgets = Budgets::default();
    for who in ["alice", "bob", "carol"] {
        through(&mut budgets, &from(who, "203.0.113.7"), 1000, NOW);
    }

    assert_eq!(
        through(&mut budgets, &from("alice", "203.0.113.7"), 1, NOW),
        0
    );
    assert_eq!(through(&mut budgets, &device(1), 11, NOW), 10);
    assert_eq!(through(&mut budgets, &device(2), 11, NOW), 10);
}

#[test]
fn given_many_names_tried_from_one_address_then_the_address_is_spent_for_all_of_them() {
    let mut budgets = Budgets::default();
    let tried = (0..1000).filter(|n| {
        let attempt = from(&format!("user{n}"), "198.51.100.1");
        through(&mut budgets, &attempt, 1, NOW) == 1
    });

    assert_eq!(tried.count(), 100);
    let spent = budgets.spend(&from("zoe", "198.51.100.1"), Budget::TEN_A_MINUTE, NOW);
    assert_eq!(spent.map_err(|s| s.against), Err(Against::Network));
}

#[test]
fn given_many_addresses_that_try_one_subject_then_together_they_get_ten_times_the_budget() {
    let mut budgets = Budgets::default();
    let tried = (0..250).map(|n| {
        let attempt = from("alice", &format!("198.51.100.{n}"));
        through(&mut budgets, &attempt, 20, NOW)
    });

    assert_eq!(tried.sum::<usize>(), 100);
    // Others, and the owner's own device, are not in it.
    assert_eq!(
        through(&mut budgets, &from("bob", "203.0.113.7"), 11, NOW),
        10
    );
    assert_eq!(through(&mut budgets, &device(1), 11, NOW), 10);
}

#[test]
fn given_addresses_of_one_ipv6_network_when_tried_then_they_are_one() {
    assert_eq!(address("2001:db8::1"), address("2001:db8:0:0:ffff::2"));
    assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
    assert_eq!(address("::ffff:203.0.113.7"), address("203.0.113.7"));
    assert_ne!(address("203.0.113.7"), address("203.0.113.8"));
    assert_eq!(address("2001:db8::1").to_string(), "2001:db8::/64");
}

#[test]
fn given_a_subject_of_another_tenant_when_tried_then_its_budget_is_its_own() {
    // S14.
    let mut budgets = Budgets::default();
    let of = |tenant| {
        let tenant = TenantId::parse(tenant).expect("it is a name");
        Attempt::of_stranger(&key(), &tenant, "alice", Some(address("203.0.113.7")))
    };

    assert_eq!(through(&mut budgets, &of("a"), 11, NOW), 10);
    assert_eq!(through(&mut budgets, &of("b"), 11, NOW), 10);
}

#[test]
fn given_tries_from_nobody_knows_where_when_counted_then_it_is_against_the_subject_alone() {
    // Or ten of them would spend what the owner has, who comes from nobody knows where as well.
    let mut budgets = Budgets::default();
    let nowhere = Attempt::of_stranger(&key(), &TenantId::default(), "alice", None);

    assert_eq!(through(&mut budgets, &nowhere, 1000, NOW), 100);
    let spent = budgets.spend(&nowhere, Budget::TEN_A_MINUTE, NOW);

    assert_eq!(spent.map_err(|s| s.against), Err(Against::Subject));
}

#[test]
fn given_the_tokens_of_many_devices_when_they_guess_then_together_they_get_three_budgets_and_a_strangers()
 {
    let mut budgets = Budgets::default();

    let tried = (0..30).map(|n| through(&mut budgets, &device_at(n, "203.0.113.7"), 20, NOW));

    assert_eq!(tried.sum::<usize>(), 30 + 10);
    let spent = budgets.spend(&device_at(9, "203.0.113.7"), Budget::TEN_A_MINUTE, NOW);
    let against = Against::SubjectAndNetwork;
    assert_eq!(spent.map_err(|s| s.against), Err(against));
    // Nobody elsewhere is the slower for it.
    let stranger = from("alice", "203.0.113.8");
    assert_eq!(through(&mut budgets, &stranger, 20, NOW), 10);
}

/// Whoever held three stolen tokens spent what all devices have together, and the owner was turned
/// away on a device that was let in once it was not shown.
#[test]
fn given_the_devices_of_a_subject_spent_by_a_thief_when_the_owner_shows_one_then_it_is_let_in() {
    let mut budgets = Budgets::default();
    for stolen in 1..=3 {
        through(&mut budgets, &device_at(stolen, "203.0.113.7"), 20, NOW);
    }

    // As often as it could alone, and no more often than a stranger from there.
    assert_eq!(through(&mut budgets, &device(4), 20, NOW), 10);
    assert_eq!(
        through(&mut budgets, &from("alice", "198.51.100.4"), 20, NOW),
        0
    );
}

/// A thief with a copy of one device's token kept the owner out on that device, from anywhere.
#[test]
fn given_a_copied_token_that_floods_from_elsewhere_when_the_owner_comes_then_nothing_is_used_up() {
    let mut budgets = Budgets::default();

    let thief = through(&mut budgets, &device_at(1, "203.0.113.7"), 1000, NOW);

    assert_eq!(thief, 10);
    assert_eq!(through(&mut budgets, &device(1), 11, NOW), 10);
}

#[test]
fn given_a_copied_token_that_floods_from_many_places_when_the_owner_comes_then_strangers_have_no_more()
 {
    let mut budgets = Budgets::default();
    let tried = (0..5).map(|n| {
        let place = format!("203.0.113.{n}");
        through(&mut budgets, &device_at(1, &place), 1000, NOW)
    });

    assert_eq!(tried.sum::<usize>(), 50, "10 at each");
    assert_eq!(through(&mut budgets, &device(1), 11, NOW), 10);
    // As many as strangers from as many places, and what all devices have besides.
    let tried = (0..250).map(|n| {
        let place = format!("192.0.2.{n}");
        through(&mut budgets, &device_at(1, &place), 1000, NOW)
    });
    assert_eq!(tried.sum::<usize>() + 60, 30 + 100);
}

#[test]
fn given_a_copied_token_behind_the_owners_address_when_it_floods_then_the_two_are_not_told_apart() {
    let mut budgets = Budgets::default();

    through(&mut budgets, &device(1), 1000, NOW);

    assert_eq!(through(&mut budgets, &device(1), 1, NOW), 0);
    assert_eq!(
        through(&mut budgets, &device_at(1, "203.0.113.7"), 11, NOW),
        10
    );
}

/// Without an address the device's own ten were all that its owner had, where a stranger had a
/// hundred.
#[test]
fn given_a_copied_token_and_no_addresses_when_it_floods_then_the_owner_has_what_a_stranger_has() {
    let mut budgets = Budgets::default();
    let nowhere = Attempt::of_stranger(&key(), &TenantId::default(), "alice", None);
    let id = DeviceId::new(RosterTag::from_bytes([1; 16]), DeviceSerial([1; 12]));
    let known = nowhere.clone().on_known_device(&key(), id);

    assert_eq!(through(&mut budgets, &known, 20, NOW), 20);
    assert_eq!(through(&mut budgets, &known, 1000, NOW), 90);
    assert_eq!(through(&mut budgets, &nowhere, 1, NOW), 0);
}

#[test]
fn given_a_try_that_is_turned_away_when_counted_then_it_cost_nothing() {
    let mut budgets = Budgets::default();
    let alice = from("alice", "203.0.113.7");

    through(&mut budgets, &alice, 100_000, NOW);

    let later = NOW.plus(Duration::from_mins(1));
    assert_eq!(through(&mut budgets, &alice, 11, later), 10);
    // Neither did it cost the address: 20 of 100 are gone.
    let others = (0..100).filter(|n| {
        let attempt = from(&format!("user{n}"), "203.0.113.7");
        through(&mut budgets, &attempt, 1, later) == 1
    });
    assert_eq!(others.count(), 90);
}

#[test]
fn given_the_end_of_time_when_tried_then_nothing_wraps() {
    // S13.
    let mut budgets = Budgets::default();

    assert!(
        through(
            &mut budgets,
            &from("alice", "203.0.113.7"),
            3,
            Timestamp::MAX
        ) > 0
    );
}

/// So many names, each tried so often from an address of its own. Says how many got through.
fn crowd(budgets: &mut Budgets, many: u32, tries: usize) -> usize {
    let granted = (0..many).map(|n| {
        let [_, a, b, c] = n.to_be_bytes();
        let place = Network::of(IpAddr::from([10, a, b, c]));
        let who = format!("user{n}");
        let attempt = Attempt::of_stranger(&key(), &TenantId::default(), &who, Some(place));
        through(budgets, &attempt, tries, NOW)
    });
    granted.sum()
}

#[test]
fn given_a_full_table_when_many_try_a_little_then_they_do_and_the_spent_one_stays_spent() {
    let mut budgets = Budgets::new(64, 16);
    let alice = from("alice", "198.51.100.1");
    assert_eq!(through(&mut budgets, &alice, 20, NOW), 10);

    assert_eq!(crowd(&mut budgets, 100, 1), 100);

    assert_eq!(through(&mut budgets, &alice, 20, NOW), 0);
}

#[test]
fn given_a_full_table_when_a_spent_one_was_thrown_out_and_comes_back_then_it_is_as_spent_as_before()
{
    // Whoever has addresses without end must not be able to wash the own bucket out.
    let mut budgets = Budgets::new(64, 16);
    let alice = from("alice", "198.51.100.1");
    assert_eq!(through(&mut budgets, &alice, 20, NOW), 10);

    crowd(&mut budgets, 5000, 10);

    assert_eq!(through(&mut budgets, &alice, 20, NOW), 0);
}

#[test]
fn given_a_table_filled_by_strangers_when_a_known_device_tries_then_it_is_not_in_it() {
    let mut budgets = Budgets::new(16, 16);
    for n in 0..100_u8 {
        through(
            &mut budgets,
            &from(&format!("user{n}"), &format!("10.0.0.{n}")),
            10,
            NOW,
        );
    }

    assert_eq!(through(&mut budgets, &device(1), 11, NOW), 10);
}

/// The same without bounds: one number for each name, for ever.
#[derive(Default)]
struct Exact(HashMap<(u8, u8), u64>);

impl Exact {
    fn named(who: u8, place: u8) -> [((u8, u8), u32); 3] {
        [
            ((who, place), 1),
            ((who, u8::MAX), 10),
            ((u8::MAX, place), 10),
        ]
    }

    fn has_room(&self, who: u8, place: u8, budget: Budget, now: u64) -> bool {
        Self::named(who, place).iter().all(|(name, times)| {
            let whole_at = self.0.get(name).copied().unwrap_or_default();
            budget.times(*times).take(whole_at, now).is_ok()
        })
    }

    fn charge(&mut self, who: u8, place: u8, budget: Budget, now: u64) {
        for (name, times) in Self::named(who, place) {
            let whole_at = self.0.entry(name).or_default();
            *whole_at = budget.times(times).charge(*whole_at, now);
        }
    }
}

proptest! {
    #[test]
    fn given_any_tries_when_the_table_is_too_small_then_nobody_gets_more_than_without_bounds(
        tries in prop::collection::vec((0..12_u8, 0..12_u8, 0..200_u64), 1..400),
    ) {
        let (mut budgets, mut exact) = (Budgets::new(16, 16), Exact::default());
        let (budget, mut now) = (budget("3/10s"), NOW);
        for (who, place, pass) in tries {
            now = now.plus(Duration::from_millis(pass));
            let attempt = from(&format!("user{who}"), &format!("10.0.0.{place}"));
            let micros = now.as_millis() * 1000;
            let room = exact.has_room(who, place, budget, micros);
            if budgets.spend(&attempt, budget, now).is_ok() {
                prop_assert!(room);
                exact.charge(who, place, budget, micros);
            }
        }
    }

    #[test]
    fn given_any_tries_when_the_table_is_large_enough_then_everybody_gets_as_much_as_without(
        tries in prop::collection::vec((0..12_u8, 0..12_u8, 0..3000_u64), 1..400),
    ) {
        let (mut budgets, mut exact) = (Budgets::new(16 * 1024, 16), Exact::default());
        let (budget, mut now) = (budget("3/10s"), NOW);
        for (who, place, pass) in tries {
            now = now.plus(Duration::from_millis(pass));
            let attempt = from(&format!("user{who}"), &format!("10.0.0.{place}"));
            let micros = now.as_millis() * 1000;
            let room = exact.has_room(who, place, budget, micros);
            let done = budgets.spend(&attempt, budget, now).is_ok();
            prop_assert_eq!(done, room);
            if done {
                exact.charge(who, place, budget, micros);
            }
        }
    }
}
