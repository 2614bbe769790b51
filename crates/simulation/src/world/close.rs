//! The end of a run: all comes to its end in fair weather, and the history is checked.

use std::sync::Arc;
use std::task::Poll;

use innkeeper_engine::check::Activity;

use super::far::Far;
use super::{Run, World, finish, poll_once};
use crate::checker::{Violation, check};
use crate::guests::{self, Calling};
use crate::history::{Call, Subject};
use crate::mood::Ask;
use crate::scribe::{self, name_of, tenant_of};

impl World {
    /// The weather clears up: what is under way comes to its end, everything is looked at once
    /// more, and the history is checked.
    pub(super) fn close(mut self) -> Run {
        self.deliver_all();
        self.weathers.iter().for_each(|weather| weather.clear_up());
        if let Some(far) = &mut self.far {
            self.history.outages.extend(far.clear_up(self.place));
        }
        self.backend.clear_up();
        if self.backend.has_crashed() {
            self.begin_anew();
        }
        let calls = self.calls.iter_mut().filter_map(Option::take);
        let calls = calls.map(|call| (call.operation, call.calling)).collect();
        self.finish_all(calls);
        for subject in scribe::subjects() {
            self.look_once_more(subject);
        }
        self.take_stock();
        let mut violations = check(&self.history);
        violations.append(&mut self.stuck);
        for weather in &self.weathers {
            self.tally.add(&weather.tally());
        }
        self.tally.disk = self.backend.strokes();
        self.tally.packed = self.backend.met();
        self.tally.nodes = self.far.as_ref().map(Far::tally);
        self.tally.count(&self.history);
        Run {
            history: self.history,
            tally: self.tally,
            violations,
        }
    }

    /// Polls all of them in turn. One that does not come to an end has lost its lane.
    fn finish_all(&mut self, mut calls: Vec<(usize, Calling)>) {
        for _ in 0..20_000 {
            let Some((number, mut calling)) = calls.pop() else {
                return;
            };
            match poll_once(&mut calling) {
                Poll::Ready(reply) => self.answered(number, reply),
                Poll::Pending => calls.insert(0, (number, calling)),
            }
        }
        self.stuck.push(Violation {
            rule: "V3",
            operations: calls.iter().map(|c| c.0).collect(),
            text: "operations do not come to an end".into(),
        });
    }

    fn look_once_more(&mut self, subject: Subject) {
        let first = self.history.operations.len();
        let node = Arc::clone(&self.nodes[0]);
        for ask in [Ask::Enable, Ask::SignIn] {
            let known = &mut self.known[subject.0 as usize];
            let (labels, dice) = (&mut self.labels, &mut self.dice);
            let (call, calling) = guests::ask(
                ask,
                Arc::clone(&node),
                self.door,
                subject,
                known,
                labels,
                dice,
            );
            let number = self.note(subject, 0, call);
            self.finish_all(vec![(number, calling)]);
        }
        let tenant = tenant_of(subject);
        let (call, calling) = guests::look(Arc::clone(&node), tenant.clone(), name_of(subject));
        let number = self.note(subject, 0, call);
        self.finish_all(vec![(number, calling)]);
        let tokens = self.known[subject.0 as usize].tokens.clone();
        for held in tokens {
            let tok = held.tok;
            let number = self.note(subject, 0, Call::Check(tok));
            let (token, shown) = (guests::read(&held.token), held.shown());
            let node = Arc::clone(&node);
            let calling = guests::check(node, tenant.clone(), token, shown, Activity::Passive);
            self.finish_all(vec![(number, calling)]);
        }
        let last = self.history.operations.len();
        let unknown = |n: &usize| !self.history.operations[*n].is_known();
        let operations: Vec<usize> = (first..last).filter(unknown).collect();
        if !operations.is_empty() {
            self.stuck.push(Violation {
                rule: "V6",
                operations,
                text: "an answer is unknown though nothing goes wrong any more".into(),
            });
        }
    }

    fn take_stock(&mut self) {
        self.history.devices.clone_from(&self.scribe.opened_on);
        let journal = finish(self.backend.tail(None, usize::MAX));
        let journal = journal
            .and_then(Result::ok)
            .and_then(innkeeper_store::Tail::page);
        for (_, entry) in journal.unwrap_or_default() {
            self.history.journal.extend(self.scribe.line(&entry));
        }
        let tags = finish(self.backend.walk(None, usize::MAX));
        for tag in tags.and_then(Result::ok).unwrap_or_default() {
            let reading = finish(self.backend.read(tag, None)).and_then(Result::ok);
            if let Some(roster) = reading.and_then(|r| r.roster) {
                self.history.rest.push(self.scribe.rest(&roster));
            }
        }
    }
}
