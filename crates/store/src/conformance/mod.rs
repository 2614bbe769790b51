//! The suite that every store passes.
//!
//! Each line under a *Contract* heading of [`SessionStore`] and [`Register`] is a case here, a
//! function over a [`Harness`], named for what it shows. A back end says how its store is made,
//! and [`conformance!`](crate::conformance!) makes a test of each case. What only a store that
//! outlives its process can promise is in [`durability`], by
//! [`durable_conformance!`](crate::durable_conformance!); what a restored one promises is in
//! [`restoring`], by [`restoring_conformance!`](crate::restoring_conformance!); and what holds over
//! a network and a server that fail is in [`faults`], by
//! [`faulty_conformance!`](crate::faulty_conformance!).

pub mod committing;
pub mod durability;
pub mod faults;
pub mod fixture;
pub mod glancing;
pub mod journal;
pub mod races;
pub mod reading;
pub mod register;
pub mod restoring;
pub mod sweeping;
pub mod touching;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use innkeeper_test_servers::proxy::Proxy;

use crate::archive::Archive;
use crate::clock::ManualClock;
use crate::{Register, SessionStore};

/// Where the store under test is kept. Every case has one of its own.
#[async_trait]
pub trait Harness: Debug + Send + Sync {
    /// The store under test.
    type Store: Register + SessionStore + 'static;

    /// Makes a place in which nothing is kept yet.
    async fn new() -> Self;

    /// Opens the store that is kept there, on this clock.
    async fn open(&self, clock: Arc<ManualClock>) -> Arc<Self::Store>;
}

/// A place that keeps what is in it when the process ends.
#[async_trait]
pub trait DurableHarness: Harness {
    /// Ends the store properly.
    async fn stop(&mut self, store: Arc<Self::Store>);

    /// Ends the store as a crash would, with what has been made durable so far and no more. It
    /// may be in the middle of something.
    async fn crash(&mut self, store: Arc<Self::Store>);
}

/// A place to which a copy can be brought back.
#[async_trait]
pub trait RestoringHarness: Harness<Store: Archive> {
    /// Makes another place, and brings a copy back to it.
    async fn restored(copy: &[u8], clock: Arc<ManualClock>) -> Self;
}

/// A store on a server, which [`open`](Harness::open) opens as one node that sees it through a
/// network that fails by hand.
#[async_trait]
pub trait FaultyHarness: Harness {
    /// Something that is said to the server at a commit, in the step that makes it stand.
    const COMMIT: &'static str;
    /// The same of a commit that only ends something.
    const END: &'static str = Self::COMMIT;

    /// The network between that node and the server.
    fn network(&self) -> &Proxy;

    /// Opens another node, over a network that works.
    async fn beside(&self, clock: Arc<ManualClock>) -> Arc<Self::Store>;

    /// Stops the server in the middle of whatever it does.
    fn pause(&self);

    /// Lets it go on.
    fn go_on(&self);

    /// Kills the server, and starts it again on what it left.
    fn crash(&mut self);
}

/// Makes one test of each case, on stores that this harness opens.
#[macro_export]
macro_rules! conformance {
    ($harness:ty) => {
        $crate::conformance_cases! { $harness, reading:
            given_a_clock_that_steps_back_when_read_again_then_now_has_not_fallen,
            given_an_absent_roster_when_read_then_it_is_none_and_stays_so,
            given_a_key_of_another_roster_when_read_with_it_then_what_is_remembered_comes_along,
            given_remembered_keys_when_they_end_then_they_are_neither_found_nor_counted,
        }
        $crate::conformance_cases! { $harness, glancing:
            given_a_roster_when_glanced_at_then_it_is_what_a_reading_shows,
            given_a_visit_during_a_glance_when_read_afterwards_then_the_session_was_heard_from,
        }
        $crate::conformance_cases! { $harness, committing:
            given_another_version_when_committed_for_then_it_is_stale_and_changes_nothing,
            given_a_moment_that_has_passed_when_committed_then_it_is_stale_and_changes_nothing,
            given_a_key_that_is_remembered_when_committed_again_then_it_is_stale_and_changes_nothing,
            given_a_commit_with_two_keys_when_either_comes_again_then_it_is_stale,
            given_a_bound_on_a_tenant_when_seats_are_freed_or_not_then_just_so_many_more_are_live,
            given_commits_done_and_stale_when_counted_then_each_done_one_has_one_entry_without_gaps,
            given_a_future_dropped_at_commit_when_all_is_quiet_then_it_is_wholly_done_or_not_done,
        }
        $crate::conformance_cases! { $harness, touching:
            given_an_ended_session_when_a_slow_request_touches_it_then_it_stays_ended,
            given_an_expired_session_when_touched_then_it_stays_as_it_is,
            given_visits_under_any_clock_when_recorded_then_last_seen_never_falls_nor_runs_ahead,
            given_an_unknown_id_when_touched_then_it_is_dead_and_nothing_is_created,
            given_a_visit_when_recorded_then_there_is_no_entry_and_no_new_version,
            given_a_grace_when_a_visit_brings_it_nearer_then_it_never_moves_away_again,
        }
        $crate::conformance_cases! { $harness, journal:
            given_entries_of_many_rosters_when_read_then_each_roster_is_in_order_and_chained,
            given_an_erased_roster_when_the_journal_is_read_then_only_its_persons_are_gone,
            given_single_entries_of_others_when_they_are_erased_then_these_alone_lose_their_person,
            given_pages_of_any_size_when_read_on_from_their_cursors_then_nothing_is_missing_or_twice,
            given_commits_in_flight_when_the_journal_is_followed_then_no_entry_is_passed_over,
            given_a_journal_that_was_trimmed_when_read_then_nothing_is_passed_over_in_silence,
            given_a_journal_that_was_trimmed_when_its_chains_are_followed_then_they_hold,
            given_somebody_who_listens_when_the_journal_goes_on_then_he_is_told,
        }
        $crate::conformance_cases! { $harness, sweeping:
            given_rosters_that_come_and_go_when_walked_then_each_that_stays_is_named_once,
            given_a_roster_that_would_be_missed_when_forgotten_then_it_stays,
            given_a_roster_with_nothing_left_when_forgotten_then_every_verdict_is_as_before,
            given_commits_between_when_the_floor_rises_then_neither_of_its_numbers_falls,
            given_a_commit_for_an_absent_roster_when_the_floor_rises_first_then_it_is_stale,
        }
        $crate::conformance_cases! { $harness, register:
            given_a_value_replaced_meanwhile_when_put_then_it_is_stale_and_stays,
            given_a_removed_value_when_put_again_then_its_versions_do_not_come_back,
            given_values_when_listed_then_those_of_the_prefix_come_in_order,
            given_many_writers_of_one_version_when_they_race_then_one_is_done,
            given_names_that_come_and_go_at_once_when_put_then_no_version_comes_back,
        }
        $crate::conformance_cases! { $harness, races:
            given_many_commits_for_one_version_when_they_race_then_one_is_done,
            given_a_bound_on_a_tenant_when_many_rosters_race_then_just_so_many_are_live,
            given_visits_racing_an_end_when_both_are_over_then_the_session_stays_ended,
            given_rotations_racing_deadlines_when_a_session_was_found_dead_then_it_stays_dead,
            given_visits_racing_rotations_when_both_are_over_then_no_visit_was_lost,
            given_an_acknowledged_end_when_glanced_at_then_nobody_finds_the_session_live,
            given_one_key_at_many_rosters_when_they_race_then_one_is_done,
        }
    };
}

/// Makes one test of each case that only a store which outlives its process can pass.
#[macro_export]
macro_rules! durable_conformance {
    ($harness:ty) => {
        $crate::conformance_cases! { $harness, durability:
            given_a_reading_when_the_store_crashes_then_what_it_showed_is_still_there,
            given_times_handed_out_when_the_store_crashes_then_time_has_not_fallen,
            given_times_handed_out_when_the_store_is_stopped_then_time_has_not_fallen,
            given_a_visit_during_a_glance_when_the_store_is_stopped_then_it_is_kept,
            given_an_erased_roster_when_the_store_crashes_then_its_person_does_not_come_back,
            given_failures_counted_during_glances_when_the_store_is_stopped_then_they_are_kept,
            given_a_visit_during_a_glance_when_time_passes_and_the_store_crashes_then_it_is_kept,
            given_commits_that_were_done_when_the_store_crashes_then_they_are_all_there,
            given_a_remembered_key_when_the_store_crashes_then_it_is_still_remembered,
            given_a_grace_brought_nearer_when_the_store_crashes_then_it_is_as_near,
            given_a_forgotten_roster_when_the_store_crashes_then_it_is_still_absent,
            given_a_risen_floor_when_the_store_crashes_then_it_has_not_fallen,
            given_register_values_that_were_done_when_the_store_crashes_then_they_are_there,
            given_a_future_dropped_at_commit_when_the_store_crashes_then_roster_and_journal_agree,
            given_a_journal_that_was_trimmed_when_the_store_crashes_then_it_is_as_short_and_whole,
        }
    };
}

/// Makes one test of each case that speaks of copies and of what is left when they come back.
#[macro_export]
macro_rules! restoring_conformance {
    ($harness:ty) => {
        $crate::conformance_cases! { $harness, restoring:
            given_a_copy_when_brought_back_then_no_session_in_it_is_live,
            given_a_copy_when_brought_back_then_no_evidence_from_before_is_of_any_generation,
            given_a_copy_when_brought_back_then_all_else_is_as_it_was,
            given_commits_under_way_when_copied_then_the_copy_is_of_one_point,
            given_a_journal_that_was_trimmed_when_brought_back_then_it_begins_where_it_began,
            given_a_restored_store_when_copied_and_restored_again_then_its_sessions_are_dead_too,
        }
    };
}

/// Makes one test of each case that speaks of a network and a server that fail.
#[macro_export]
macro_rules! faulty_conformance {
    ($harness:ty) => {
        $crate::conformance_cases! { $harness, faults:
            given_a_commit_whose_connection_is_cut_when_repeated_with_its_key_then_it_is_done_once,
            given_a_cut_at_anything_said_when_a_sign_in_is_repeated_then_it_is_done_once,
            given_an_end_whose_answer_is_cut_when_read_afterwards_then_it_stands,
            given_notices_that_do_not_come_when_another_node_ends_a_session_then_b_bounds_it,
            given_a_network_that_swallows_when_asked_then_nothing_is_told_and_it_comes_back,
            given_connections_half_closed_when_asked_again_then_it_goes_on_by_itself,
            given_a_network_that_is_slow_when_it_is_quick_again_then_what_was_asked_is_answered,
            given_a_server_that_is_stopped_when_it_goes_on_then_a_repeat_settles_what_was_asked,
            given_a_server_that_crashes_under_way_when_it_is_back_then_a_repeat_settles_all,
        }
    };
}

/// Makes one test of each named case of one module.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ($harness:ty, $module:ident: $($case:ident),+ $(,)?) => {
        mod $module {
            use super::*;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $case() {
                    let harness = <$harness as $crate::conformance::Harness>::new().await;
                    $crate::conformance::$module::$case(harness).await;
                }
            )+
        }
    };
}
