//! How long the judging of one deployable may take, and how much work it has been.
//!
//! Whoever writes the source chooses how often its lines name each other, so no pass over them is
//! short by itself. Each counts its steps here and ends when the time is up. What was found by then
//! is thrown away: where half the facts are missing, what seems missing in the code proves nothing.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// Steps from one look at the clock to the next.
const GLANCE: u64 = 16;

/// The time that is left, and the steps that were taken. Threads share it.
#[derive(Debug)]
pub(crate) struct Budget {
    until: Instant,
    steps: AtomicU64,
    is_over: AtomicBool,
}

impl Budget {
    pub(crate) const fn new(until: Instant) -> Self {
        Self {
            until,
            steps: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        }
    }

    /// Counts one step. False once the time is up, and from then on.
    pub(crate) fn goes_on(&self) -> bool {
        let step = self.steps.fetch_add(1, Ordering::Relaxed);
        if step.is_multiple_of(GLANCE) && Instant::now() >= self.until {
            self.is_over.store(true, Ordering::Relaxed);
        }
        !self.is_over()
    }

    /// Was the time up before the work was done?
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// How many steps were taken.
    #[cfg(test)]
    pub(crate) fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::knowledge;
    use crate::model::{Model, Parsed};
    use crate::policy::Policy;
    use crate::scan::{Options, judge_unit};
    use crate::syntax::{self, Language};
    use crate::unit::Unit;

    use super::*;

    /// How many steps it takes to judge one text alone, and how many findings there are.
    fn judged(language: Language, text: &str) -> (u64, usize) {
        let later = Instant::now() + Duration::from_hours(1);
        let path = "src/a".to_owned();
        let outline = syntax::outline(language, &path, text, later).expect("it can be read");
        let parsed = Parsed {
            path,
            language,
            outline,
        };
        let model = Model::new(vec![&parsed], Budget::new(later));
        let (options, policy) = (Options::new(""), Policy::default());
        let (unit, all) = (Unit::default(), knowledge::frameworks());
        let report = judge_unit(&options, &policy, &unit, &model, &[], all);
        let findings = report.expect("there was time").findings.len();
        (model.budget().steps(), findings)
    }

    /// A login, and so many routes that each end a session and ask for no owner: each was held
    /// against all the others, and each of those asked again what stands in it. 330 KB kept a scan
    /// busy for minutes.
    #[test]
    fn given_ten_times_the_routes_when_judged_then_it_takes_about_ten_times_the_steps() {
        let routes = |count: usize| {
            let route = |n: usize| {
                format!(
                    "app.delete('/sessions/:id{n}',auth,async(req,res)=>{{ await db.sessions.deleteOne({{_id:req.params.id}}); }});\n"
                )
            };
            let login = "app.post('/login',async(req,res)=>{const user=await U.findOne();bcrypt.compare(req.body.password,user.hash);await db.sessions.create({userId:user.id,token});res.cookie('sid',token)})\n";
            let routes: String = (0..count).map(route).collect();
            format!("const express=require('express');\n{login}{routes}")
        };

        let (few, _) = judged(Language::JavaScript, &routes(300));
        let (many, findings) = judged(Language::JavaScript, &routes(3_000));

        assert!(findings > 0, "it was judged");
        assert!(many < 15 * few, "{few} steps, then {many}");
    }

    /// So many fields that a setting fills, and as many bounds that name them: each bound looked
    /// through all annotations, and each of those through all fields.
    #[test]
    fn given_ten_times_the_settings_when_judged_then_it_takes_about_ten_times_the_steps() {
        let source = |count: usize| {
            let field = |n: usize| format!("  @Value(\"${{a.b{n}}}\") int m{n};\n");
            let bound =
                |n: usize| format!("    http.sessionManagement(s -> s.maximumSessions(m{n}));\n");
            let fields: String = (0..count).map(field).collect();
            let bounds: String = (0..count).map(bound).collect();
            format!(
                "import org.springframework.security.config.annotation.web.builders.HttpSecurity;\nclass A {{\n{fields}  void configure(HttpSecurity http) {{\n{bounds}  }}\n}}\n"
            )
        };

        let (few, _) = judged(Language::Java, &source(300));
        let (many, _) = judged(Language::Java, &source(3_000));

        assert!(many < 15 * few, "{few} steps, then {many}");
    }

    #[test]
    fn given_no_time_when_judged_then_it_ends_and_says_that_it_is_over() {
        let budget = Budget::new(Instant::now());

        assert!(!budget.goes_on());
        assert!(!budget.goes_on());

        assert!(budget.is_over());
        assert_eq!(budget.steps(), 2);
    }
}
