//! Taking an account out of use: do its sessions end, or does each request ask?

use super::{DEPTH, Flow, Tracer};
use crate::fact::{Fact, Kind, Subject};
use crate::model::Id;
use crate::primitive::Does;
use crate::syntax::words::{any, words};

/// Names of the mark that an account is out of use.
const MARKS: &str = "disabled suspended banned blocked locked deactivated inactive isactive isdisabled isbanned isblocked islocked issuspended isenabled frozen";

impl Tracer<'_, '_> {
    pub(super) fn disablings(&self, out: &mut Flow) {
        for id in self.model.in_time(self.model.ids()) {
            self.asks_each_time(id, out);
            let near = self.model.near(id);
            if !self.model.is_entry(id) || !takes_out_of_use(&near) {
                continue;
            }
            let about = [near.clone(), self.model.far(id)].concat();
            if !any(&about, "user account member customer employee") {
                continue;
            }
            let Some((file, line)) = self.mark_of(id) else {
                continue;
            };
            let ending = self.reached(id).into_iter().find(|p| {
                matches!(
                    p.does,
                    Does::EndOne
                        | Does::EndAll
                        | Does::EndOthers
                        | Does::EndOfDevice
                        | Does::EndCurrent
                )
            });
            let fact = match ending {
                Some(ending) => self.fact(Kind::RevokesOnDisable, ending, Some(id), Subject::Admin),
                None => Fact {
                    kind: Kind::DisableKeeps,
                    file,
                    line,
                    subject: Subject::Admin,
                    confidence: innkeeper_report::Confidence::Likely,
                    note: format!(
                        "{} disables an account and ends nothing",
                        self.model.scope(id)
                    ),
                    ..self.place(id, None)
                },
            };
            out.facts.push(fact);
        }
    }

    /// Where the way in writes the mark, rather than only carrying its name.
    fn mark_of(&self, id: Id) -> Option<(String, u32)> {
        self.model.reach(id, DEPTH).iter().find_map(|f| {
            let function = self.model.function(*f);
            let file = self.model.file_of(*f);
            let within = |line: u32| (function.line..=function.end_line).contains(&line);
            let by_name = || {
                let assigns = file.outline.assigns.iter();
                assigns
                    .filter(|a| a.target.contains('.'))
                    .chain(&file.outline.pairs)
                    .find(|a| within(a.line) && is_mark(&a.target))
                    .map(|a| a.line)
            };
            let by_call = || {
                let mut calls = self.model.calls_in(*f);
                let call = calls.find(|call| {
                    let method = words(call.method());
                    let by_call = any(&method, "set mark update") && is_mark(call.method());
                    let by_query = call.texts.iter().any(|text| {
                        let text = text.to_ascii_lowercase();
                        text.contains("update ") && text.contains(" set") && is_mark(&text)
                    });
                    by_call || by_query
                });
                call.map(|call| call.line)
            };
            let line = by_name().or_else(by_call)?;
            Some((file.path.clone(), line))
        })
    }

    /// Code that lets requests in and looks at the mark: an account out of use gets no further.
    fn asks_each_time(&self, id: Id, out: &mut Flow) {
        let function = self.model.function(id);
        let name = [words(&function.name), words(&function.class)].concat();
        let lets_in = any(
            &name,
            "authenticate authenticated authorize authorization auth middleware guard require ensure protect deserialize current interceptor strategy principal session token jwt",
        ) && !any(&name, "login logon signin register signup")
            && !takes_out_of_use(&name);
        if !lets_in || !function.names.split(' ').any(is_mark) {
            return;
        }
        let all = [name, words(&function.names)].concat();
        let of_requests = any(&all, "user account member")
            && any(
                &all,
                "auth authenticate authorization token session jwt cookie claims passport credential",
            );
        let number = self
            .model
            .files
            .iter()
            .position(|f| std::ptr::eq(*f, self.model.file_of(id)));
        if !of_requests || number.is_some_and(|file| self.model.is_client(file)) {
            return;
        }
        let file = &self.model.file_of(id).path;
        let note = format!("{} asks whether the account is in use", function.name);
        out.facts.push(Fact::likely(
            Kind::RefusesDisabled,
            file,
            function.line,
            note,
        ));
    }
}

/// Disabling by its name, and not undoing it. Deleting takes the sessions' user away with it.
fn takes_out_of_use(near: &[String]) -> bool {
    any(
        near,
        "disable suspend ban deactivate block lock freeze suspended banned deactivated",
    ) && !any(
        near,
        "unban unblock unlock unsuspend enable reactivate activate list screen page",
    )
}

fn is_mark(name: &str) -> bool {
    let list = words(name);
    any(&list, MARKS)
        || any(&list, "active enabled disabled")
        || list.windows(2).any(|two| {
            two[0] == "is" && any(&two[1..], "active enabled disabled banned locked blocked")
        })
        || list.last().is_some_and(|last| last == "status")
}
