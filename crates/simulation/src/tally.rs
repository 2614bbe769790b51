//! A tally of what a run exercised. A check that could pass without running would show here.

use innkeeper_store_embedded::files::simulated::Strokes;

use crate::checker::lost_deaths;
use crate::history::{Answer, Call, Class, History, Line, Operation, Refusal, Word};
use crate::line::Lines;

/// How often each thing happened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Operations that were begun.
    pub operations: u64,
    /// Operations whose answer was done or not done.
    pub answered: u64,
    /// Sessions that were born.
    pub births: u64,
    /// Sessions that were evicted for another.
    pub evictions: u64,
    /// Sign-ins that were let in by a ticket.
    pub choices: u64,
    /// Sign-ins of programs that were let in.
    pub machines: u64,
    /// Devices that were trusted.
    pub trusts: u64,
    /// Those of them that were so by the subject's own word.
    pub own_words: u64,
    /// Sessions that another of their subject's ended.
    pub ended_by_another: u64,
    /// Sessions that were protected from another.
    pub protected: u64,
    /// Sign-ins for which the tenant had no seat.
    pub tenant_full: u64,
    /// Tokens of bound sessions that came from elsewhere.
    pub mismatches: u64,
    /// Tokens that were presented again where their session had just ended.
    pub returns: u64,
    /// Sign-ins that were refused for want of a seat, or on evidence too old.
    pub refusals: u64,
    /// Tokens that were rotated.
    pub rotations: u64,
    /// Strangers who asked about a session, or for its end.
    pub strangers: u64,
    /// Rosters that were let go of and begun again.
    pub begun_again: u64,
    /// Calls to the store that were held up.
    pub delays: u64,
    /// Calls that were refused.
    pub unavailable: u64,
    /// Calls that were lost on the way there.
    pub lost_before: u64,
    /// Calls whose answer was lost on the way back.
    pub lost_after: u64,
    /// Commits that arrived when nobody waited any more.
    pub late_commits: u64,
    /// Futures that were dropped half-way.
    pub dropped: u64,
    /// Steps of the wall clock back.
    pub clock_back: u64,
    /// Steps of the wall clock forward.
    pub clock_forward: u64,
    /// New nodes over the same store.
    pub restarts: u64,
    /// Crashes of the store.
    pub crashes: u64,
    /// New policies.
    pub policies: u64,
    /// Times when it was waited until shortly before a session was over.
    pub deadlines: u64,
    /// What befell the files beneath the store, if there were any.
    pub disk: Option<Strokes>,
    /// What was done with packed rosters, if the store packs any.
    pub packed: Option<Met>,
    /// What befell nodes that share a store, if they do.
    pub nodes: Option<Nodes>,
}

/// What befell nodes that share a store.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nodes {
    /// On the lines between them and the store.
    pub lines: Lines,
    /// Lines that were cut.
    pub cuts: u64,
    /// Channels of notices that broke.
    pub channels_broken: u64,
    /// Nodes that stood still for a while.
    pub pauses: u64,
    /// Steps of a node's own wall clock.
    pub clock_steps: u64,
    /// Standbys that took over.
    pub failovers: u64,
    /// Those of them that had not heard of everything.
    pub lossy: u64,
    /// Deaths that were acknowledged, and undone by such a failover.
    pub deaths_undone: u64,
    /// Checks that a node answered while it was cut off, by a lease.
    pub by_lease: u64,
    /// What a node that was cut off did not answer.
    pub cut_off: u64,
}

impl Nodes {
    const fn rows(&self) -> [(&'static str, u64); 16] {
        let lines = &self.lines;
        [
            ("slow on the line", lines.slow),
            ("cut off before", lines.cut_before),
            ("cut off after", lines.cut_after),
            ("lost in a failover", lines.failed_over),
            ("notices lost", lines.notices.lost),
            ("notices late", lines.notices.late),
            ("notices overtaken", lines.notices.overtaken),
            ("lines cut", self.cuts),
            ("channels broken", self.channels_broken),
            ("nodes paused", self.pauses),
            ("node clock steps", self.clock_steps),
            ("failovers", self.failovers),
            ("failovers with loss", self.lossy),
            ("deaths undone by loss", self.deaths_undone),
            ("cut off, by a lease", self.by_lease),
            ("cut off, no answer", self.cut_off),
        ]
    }

    fn add(&mut self, other: &Self) {
        self.lines.add(&other.lines);
        let sums = [
            (&mut self.cuts, other.cuts),
            (&mut self.channels_broken, other.channels_broken),
            (&mut self.pauses, other.pauses),
            (&mut self.clock_steps, other.clock_steps),
            (&mut self.failovers, other.failovers),
            (&mut self.lossy, other.lossy),
            (&mut self.deaths_undone, other.deaths_undone),
            (&mut self.by_lease, other.by_lease),
            (&mut self.cut_off, other.cut_off),
        ];
        for (sum, more) in sums {
            *sum += more;
        }
    }
}

/// How often a quick look met a packed roster.
#[derive(Clone, Copy, Debug, Default)]
pub struct Met {
    /// At all.
    pub shown: u64,
    /// And heard from a session in it, without opening it.
    pub visited: u64,
}

impl Tally {
    /// Each count with its name.
    #[must_use]
    pub fn rows(&self) -> Vec<(&'static str, u64)> {
        let mut rows = vec![
            ("operations", self.operations),
            ("answered", self.answered),
            ("births", self.births),
            ("evictions", self.evictions),
            ("choices", self.choices),
            ("machines", self.machines),
            ("trusted devices", self.trusts),
            ("trusted by own word", self.own_words),
            ("ended by another", self.ended_by_another),
            ("protected", self.protected),
            ("no seat of the tenant", self.tenant_full),
            ("mismatches", self.mismatches),
            ("returns", self.returns),
            ("refusals", self.refusals),
            ("rotations", self.rotations),
            ("strangers", self.strangers),
            ("rosters begun again", self.begun_again),
            ("delays", self.delays),
            ("unavailable", self.unavailable),
            ("lost before", self.lost_before),
            ("lost after", self.lost_after),
            ("late commits", self.late_commits),
            ("dropped futures", self.dropped),
            ("clock steps back", self.clock_back),
            ("clock steps forward", self.clock_forward),
            ("restarts", self.restarts),
            ("store crashes", self.crashes),
            ("policy changes", self.policies),
            ("deadlines approached", self.deadlines),
        ];
        if let Some(disk) = &self.disk {
            rows.extend(disk.rows());
        }
        if let Some(packed) = &self.packed {
            rows.extend([
                ("looks at packed rosters", packed.shown),
                ("visits to packed rosters", packed.visited),
            ]);
        }
        if let Some(nodes) = &self.nodes {
            rows.extend(nodes.rows());
        }
        rows
    }

    /// Counts what the answers of a history tell.
    pub(crate) fn count(&mut self, history: &History) {
        for operation in &history.operations {
            self.answered += u64::from(operation.is_known());
            let strange = matches!(operation.call, Call::Trespass(..) | Call::CheckAbroad(_));
            self.strangers += u64::from(strange && operation.is_known());
            if let Answer::Done { .. } = operation.answer {
                let (trusts, own, another) = match operation.call {
                    Call::Trust(_, Word::Administrator) => (1, 0, 0),
                    Call::Trust(_, Word::Holder(_)) => (1, 1, 0),
                    Call::RevokeBy(..) => (0, 0, 1),
                    _ => (0, 0, 0),
                };
                self.trusts += trusts;
                self.own_words += own;
                self.ended_by_another += another;
            }
            match &operation.answer {
                Answer::Admitted { evicted, .. } => {
                    if let Call::Admit { chosen, class, .. } = &operation.call {
                        self.choices += u64::from(chosen.is_some());
                        self.machines += u64::from(*class == Class::Machine);
                    }
                    self.births += 1;
                    self.evictions += evicted.len() as u64;
                }
                Answer::Mismatched => self.mismatches += 1,
                Answer::Protected => self.protected += 1,
                Answer::Refused(Refusal::Tenant, _) => self.tenant_full += 1,
                Answer::Refused(Refusal::Full | Refusal::Stale, _) => self.refusals += 1,
                Answer::Valid {
                    rotated: Some(_), ..
                } => self.rotations += 1,
                _ => {}
            }
        }
        if let Some(nodes) = &mut self.nodes {
            let within = |o: &&Operation| history.is_cut_off(o);
            let cut_off = history.operations.iter().filter(within);
            for operation in cut_off {
                let let_in = matches!(operation.answer, Answer::Valid { .. });
                nodes.by_lease += u64::from(let_in);
                nodes.cut_off += u64::from(operation.answer == Answer::Unknown);
            }
            nodes.deaths_undone += lost_deaths(history).len() as u64;
        }
        let begun = |l: &&Line| l.previous == 0 && l.seq > 1;
        self.begun_again += history.journal.iter().filter(begun).count() as u64;
    }

    /// Adds what another run exercised.
    pub fn add(&mut self, other: &Self) {
        let sums = [
            (&mut self.operations, other.operations),
            (&mut self.answered, other.answered),
            (&mut self.births, other.births),
            (&mut self.evictions, other.evictions),
            (&mut self.choices, other.choices),
            (&mut self.machines, other.machines),
            (&mut self.trusts, other.trusts),
            (&mut self.own_words, other.own_words),
            (&mut self.ended_by_another, other.ended_by_another),
            (&mut self.protected, other.protected),
            (&mut self.tenant_full, other.tenant_full),
            (&mut self.mismatches, other.mismatches),
            (&mut self.returns, other.returns),
            (&mut self.refusals, other.refusals),
            (&mut self.rotations, other.rotations),
            (&mut self.strangers, other.strangers),
            (&mut self.begun_again, other.begun_again),
            (&mut self.delays, other.delays),
            (&mut self.unavailable, other.unavailable),
            (&mut self.lost_before, other.lost_before),
            (&mut self.lost_after, other.lost_after),
            (&mut self.late_commits, other.late_commits),
            (&mut self.dropped, other.dropped),
            (&mut self.clock_back, other.clock_back),
            (&mut self.clock_forward, other.clock_forward),
            (&mut self.restarts, other.restarts),
            (&mut self.crashes, other.crashes),
            (&mut self.policies, other.policies),
            (&mut self.deadlines, other.deadlines),
        ];
        for (sum, more) in sums {
            *sum += more;
        }
        if let Some(other) = &other.disk {
            self.disk.get_or_insert_default().add(other);
        }
        if let Some(other) = &other.packed {
            let packed = self.packed.get_or_insert_default();
            packed.shown += other.shown;
            packed.visited += other.visited;
        }
        if let Some(other) = &other.nodes {
            self.nodes.get_or_insert_default().add(other);
        }
    }

    /// What never happened.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let rows = self.rows().into_iter();
        rows.filter(|(_, n)| *n == 0)
            .map(|(name, _)| name)
            .collect()
    }
}
