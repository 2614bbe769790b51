//! One scan: walk, read, judge.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use innkeeper_report::{Finding, Suppression};

use crate::budget::Budget;
use crate::cache::{self, Cache};
use crate::config::{self, Setting};
use crate::fact::{Fact, Kind};
use crate::judge::{self, Case};
use crate::knowledge::{self, Framework};
use crate::manifest::{self, Manifest};
use crate::model::{Model, Parsed};
use crate::pattern;
use crate::policies::{Error, Policies};
use crate::policy::Policy;
use crate::prefilter::{Named, Prefilter};
use crate::primitive::{self, Does};
use crate::syntax::words::glob;
use crate::syntax::{self, Language};
use crate::unit::{self, Unit};
use crate::verdict;
use crate::walk::{self, Found, Part, SkipReason, Skipped};
use crate::{flow, report::Report, report::UnitReport};

/// What to scan and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder, or one file.
    pub root: PathBuf,
    /// What the team requires of every deployable; `None`: what the policy nearest to its code says.
    pub policy: Option<Policy>,
    /// Fingerprints of findings that were there before.
    pub baseline: BTreeSet<String>,
    /// How long one file may take.
    pub file_time: Duration,
    /// How long the judging of one deployable may take.
    pub unit_time: Duration,
    /// Whether files without a word of the field are left unparsed. Off only to measure that
    /// nothing is lost by it.
    pub prefilter: bool,
    /// A folder in which outlines of files are kept from one scan to the next.
    pub cache: Option<PathBuf>,
    /// Where to say how far the scan has come, if anybody asks.
    pub progress: Arc<Progress>,
}

/// How far a scan has come, to be looked at while it runs.
#[derive(Debug, Default)]
pub struct Progress {
    found: AtomicUsize,
    read: AtomicUsize,
}

impl Progress {
    /// Files worth reading; 0 until the tree has been walked.
    #[must_use]
    pub fn found(&self) -> usize {
        self.found.load(Ordering::Relaxed)
    }

    /// How many of them have been read.
    #[must_use]
    pub fn read(&self) -> usize {
        self.read.load(Ordering::Relaxed)
    }
}

impl Options {
    /// A scan of a folder with everything else as usual.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            policy: None,
            baseline: BTreeSet::new(),
            file_time: Duration::from_secs(2),
            unit_time: Duration::from_mins(1),
            prefilter: true,
            cache: None,
            progress: Arc::default(),
        }
    }
}

/// What reading one file gave.
enum Read {
    Parsed(Box<Parsed>),
    Settings(Vec<Setting>, Option<Manifest>),
    Apart(Part),
    Skipped(Skipped),
    /// No word of the field, and maybe the place where somebody is kept.
    Aside(Found),
    Nothing,
}

/// Scans a tree. Nothing in it is executed, and nothing outside it is read.
pub fn run(options: &Options) -> Result<Report, Error> {
    let start = Instant::now();
    std::fs::metadata(&options.root)?;
    let cache = options.cache.as_deref().map(Cache::open).transpose()?;
    let walked = walk::walk(&options.root);
    let policies = match options.policy {
        Some(_) => Policies::default(),
        None => Policies::read(&walked.files)?,
    };
    options
        .progress
        .found
        .store(walked.files.len(), Ordering::Relaxed);
    let mut read = read_all(options, cache.as_ref(), &walked.files);

    let mut parsed = Vec::new();
    let mut settings = Vec::new();
    let mut manifests = Vec::new();
    let mut skipped = walked.skipped;
    let mut apart: BTreeMap<Part, usize> = BTreeMap::new();
    let mut sources = 0;
    let mut aside = Vec::new();
    while !read.is_empty() {
        for item in std::mem::take(&mut read) {
            sources += usize::from(matches!(item, Read::Parsed(_) | Read::Nothing));
            match item {
                Read::Parsed(file) => parsed.push(*file),
                Read::Settings(more, manifest) => {
                    settings.extend(more);
                    manifests.extend(manifest);
                }
                Read::Apart(part) => *apart.entry(part).or_default() += 1,
                Read::Skipped(one) => skipped.push(one),
                Read::Aside(file) => aside.push(file),
                Read::Nothing => {}
            }
        }
        let (wanted, rest) = named(std::mem::take(&mut aside), &parsed);
        sources += rest;
        let found = &options.progress.found;
        found.fetch_add(wanted.len(), Ordering::Relaxed);
        let whole = Options {
            prefilter: false,
            ..options.clone()
        };
        read = read_all(&whole, cache.as_ref(), &wanted);
    }
    let cached = cache.map_or(Ok(0), Cache::close)?;
    parsed.sort_by(|a, b| a.path.cmp(&b.path));

    let units = unit::units(&manifests);
    let frameworks = knowledge::frameworks();
    let anything = Policy::default();
    let mut used = BTreeSet::new();
    let mut reports = Vec::new();
    for (unit, share) in units.iter().zip(shares(&units, &parsed, &settings)) {
        let nearest = policies.of(unit);
        let nearest_policy = nearest.map(|(_, policy)| policy);
        let policy = options
            .policy
            .as_ref()
            .or(nearest_policy)
            .unwrap_or(&anything);
        if share.files.is_empty() {
            continue;
        }
        used.extend(nearest.map(|(folder, _)| folder.to_owned()));
        let budget = Budget::new(Instant::now() + options.unit_time);
        let model = Model::new(share.files, budget);
        let settings = &share.settings;
        if model.clients() > 0 {
            *apart.entry(Part::Client).or_default() += model.clients();
        }
        match judge_unit(options, policy, unit, &model, settings, frameworks) {
            Some(report) => reports.push(report),
            None => skipped.push(Skipped {
                file: unit.root.clone(),
                reason: SkipReason::Judging,
            }),
        }
    }
    skipped.sort_by(|a, b| a.file.cmp(&b.file));
    reports.sort_by(|a, b| a.root.cmp(&b.root));
    Ok(Report {
        units: reports,
        files: walked.seen,
        sources,
        parsed: parsed.len(),
        cached,
        took: start.elapsed(),
        skipped,
        apart,
        passed: walked.passed,
        unused_policies: policies.unused(&used),
        is_one_file: options.root.is_file(),
    })
}

/// The files put aside that others name, and how many are left.
fn named(aside: Vec<Found>, parsed: &[Parsed]) -> (Vec<Found>, usize) {
    let names = Named::by(parsed);
    let all = aside.len();
    let has = |file: &Found| {
        let language = file.language;
        language.is_some_and(|language| names.has(&file.path, language))
    };
    let wanted: Vec<Found> = aside.into_iter().filter(has).collect();
    let left = all - wanted.len();
    (wanted, left)
}

/// How much stack a worker may use, of which the system gives only what is touched. We need little;
/// the parsers let go of what they could not decide about by a call for each level of it.
const STACK: usize = 256 << 20;

fn read_all(options: &Options, cache: Option<&Cache>, files: &[Found]) -> Vec<Read> {
    let next = AtomicUsize::new(0);
    let out = Mutex::new(Vec::with_capacity(files.len()));
    let prefilter = Prefilter::new();
    thread::scope(|scope| {
        for _ in 0..workers() {
            let worker = thread::Builder::new().stack_size(STACK);
            let spawned = worker.spawn_scoped(scope, || {
                let mut own = Vec::new();
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    own.push(read_one(options, cache, &prefilter, file));
                    options.progress.read.fetch_add(1, Ordering::Relaxed);
                }
                out.lock()
                    .expect("no worker panics while it holds the list")
                    .extend(own);
            });
            spawned.expect("the system has threads to give, as it had for us");
        }
    });
    out.into_inner()
        .expect("no worker panics while it holds the list")
}

/// How many threads read and judge.
pub(crate) fn workers() -> usize {
    thread::available_parallelism()
        .map_or(1, usize::from)
        .min(8)
}

fn read_one(options: &Options, cache: Option<&Cache>, prefilter: &Prefilter, file: &Found) -> Read {
    let name = file.path.rsplit('/').next().unwrap_or("");
    let starts_unit = matches!(name, "manage.py" | "setup.py");
    if !matches!(file.part, Part::Code | Part::Config) {
        return Read::Apart(file.part);
    }
    let text = match walk::read(&file.place) {
        Ok(text) => text,
        Err(reason) => {
            return Read::Skipped(Skipped {
                file: file.path.clone(),
                reason,
            });
        }
    };
    if file.part == Part::Config || starts_unit {
        return Read::Settings(
            config::settings(&file.path, &text),
            manifest::manifest(&file.path, &text),
        );
    }
    let Some(language) = file.language else {
        return Read::Nothing;
    };
    if let Some(part) = walk::part_of_text(&text) {
        return Read::Apart(part);
    }
    if options.prefilter && !prefilter.speaks_of_sessions(&text) {
        return if prefilter.may_keep_somebody(language, &text) {
            Read::Aside(file.clone())
        } else {
            Read::Nothing
        };
    }
    let Some(cache) = cache else {
        return parse(options, file, language, &text);
    };
    let key = cache::key(language, &file.path, &text);
    if let Some(outline) = cache.find(&key) {
        return Read::Parsed(Box::new(Parsed {
            path: file.path.clone(),
            language,
            outline,
        }));
    }
    let read = parse(options, file, language, &text);
    if let Read::Parsed(parsed) = &read {
        cache.keep(key, &parsed.outline);
    }
    read
}

fn parse(options: &Options, file: &Found, language: Language, text: &str) -> Read {
    match syntax::outline(
        language,
        &file.path,
        text,
        Instant::now() + options.file_time,
    ) {
        Ok(outline) => Read::Parsed(Box::new(Parsed {
            path: file.path.clone(),
            language,
            outline,
        })),
        Err(why) => Read::Skipped(Skipped {
            file: file.path.clone(),
            reason: match why {
                syntax::Unparsed::Time => SkipReason::Time,
                syntax::Unparsed::Size => SkipReason::TooLarge,
            },
        }),
    }
}

/// What of the tree belongs to one unit.
#[derive(Default)]
struct Share<'a> {
    files: Vec<&'a Parsed>,
    settings: Vec<&'a Setting>,
}

/// What each unit has, in the order of the units.
fn shares<'a>(units: &[Unit], parsed: &'a [Parsed], settings: &'a [Setting]) -> Vec<Share<'a>> {
    let owners = unit::Owners::new(units);
    let mut shares: Vec<Share<'a>> = units.iter().map(|_| Share::default()).collect();
    for file in parsed {
        if let Some(index) = owners.of(&file.path) {
            shares[index].files.push(file);
        }
    }
    for setting in settings {
        if let Some(index) = owners.of(&setting.file) {
            shares[index].settings.push(setting);
        }
    }
    shares
}

/// Judges what a model holds, or nothing of it where the time is up before the end: of facts that
/// are not all there, none can be said to be missing.
pub(crate) fn judge_unit(
    options: &Options,
    policy: &Policy,
    unit: &Unit,
    model: &Model<'_>,
    settings: &[&Setting],
    all: &[Framework],
) -> Option<UnitReport> {
    let mut known = pattern::known(model, unit, settings, all);
    let mut primitives = std::mem::take(&mut known.primitives);
    // Where a framework knows a line, its word is better than a guess from names.
    let lines: BTreeSet<(usize, u32)> = primitives.iter().map(|p| (p.file, p.line)).collect();
    let elsewhere: BTreeSet<(&str, u32)> = known
        .facts
        .iter()
        .filter(|f| f.kind == Kind::Delegated)
        .map(|f| (f.file.as_str(), f.line))
        .collect();
    primitives.extend(
        primitive::primitives(model)
            .into_iter()
            .filter(|p| {
                matches!(p.does, Does::Bound | Does::Trim) || !lines.contains(&(p.file, p.line))
            })
            .filter(|p| !known.unrelated.contains(&(p.file, p.line)))
            .filter(|p| !elsewhere.contains(&(model.files[p.file].path.as_str(), p.line))),
    );
    primitives.extend(primitive::sign_ins(model, &primitives));
    for primitive in primitives.iter_mut().filter(|p| p.keeps_id) {
        let what = primitive.note.split(':').next().unwrap_or("");
        primitive.keeps_id = !known.sealed.iter().any(|path| glob(path, what));
    }
    primitive::widen(model, &mut primitives);
    let flow = flow::flow(model, &primitives, settings, &known);
    if model.budget().is_over() {
        return None;
    }
    let mut facts: Vec<Fact> = known.facts;
    facts.extend(flow.facts);
    let used: Vec<&Framework> = all
        .iter()
        .filter(|f| known.frameworks.contains(&f.name))
        .collect();
    pattern::attribute(&mut facts, &used);
    let order = |f: &Fact| {
        (
            f.kind,
            f.file.clone(),
            f.line,
            f.subject,
            std::cmp::Reverse(f.confidence),
            f.scope.clone(),
        )
    };
    facts.sort_by_key(order);
    // One line that several ways of changing a password lead to answers for each of them.
    let by_way = |kind: Kind| matches!(kind, Kind::PasswordChange | Kind::RevokesOnPassword);
    facts.dedup_by(|a, b| {
        (a.kind, &a.file, a.line, a.subject) == (b.kind, &b.file, b.line, b.subject)
            && (!by_way(a.kind) || a.scope == b.scope)
    });

    let controls = verdict::controls(&facts, &flow.paths);
    let case = Case {
        root: &unit.root,
        facts: &facts,
        paths: &flow.paths,
        controls: &controls,
        frameworks: &used,
        parsed: model.files.len(),
        policy,
        itself: all
            .iter()
            .find(|f| f.itself.iter().any(|name| unit.names.contains(name)))
            .map(|f| f.name.as_str()),
    };
    let mut findings = judge::findings(&case);
    for finding in &mut findings {
        suppress(finding, model, &options.baseline);
    }
    let languages: BTreeSet<&'static str> = model.files.iter().map(|f| f.language.word()).collect();
    let begins = |f: &Fact| matches!(f.kind, Kind::Creates | Kind::Delegated);
    let creates = facts.iter().any(begins);
    Some(UnitReport {
        root: unit.root.clone(),
        languages: languages.into_iter().collect(),
        frameworks: known.frameworks,
        creates_sessions: creates,
        controls,
        findings,
        facts,
    })
}

/// A comment on the line or the one above it, with a reason, or the baseline.
fn suppress(finding: &mut Finding, model: &Model<'_>, baseline: &BTreeSet<String>) {
    if baseline.contains(&finding.fingerprint) {
        finding.suppressed = Some(Suppression::Baseline);
    }
    let Some(file) = model.files.iter().find(|f| f.path == finding.at.file) else {
        return;
    };
    let line = finding.at.line;
    let asked = file
        .outline
        .suppressions
        .iter()
        .find(|(at, rule, _)| (*at == line || at + 1 == line) && rule == finding.rule.0);
    match asked {
        Some((_, _, reason)) if !reason.is_empty() => {
            finding.suppressed = Some(Suppression::Comment {
                reason: reason.clone(),
            });
        }
        Some(_) => finding
            .message
            .push_str(" A comment asks to leave this out and gives no reason, so it stays."),
        None => {}
    }
}

/// Reads one text as source and judges it alone, for the fuzzer: a parser of outside input, and
/// everything that is made of what it gives. Says how many facts were found.
#[doc(hidden)]
#[must_use]
pub fn judge_text(language: Language, text: &str) -> usize {
    let options = Options::new("");
    let file = Found {
        place: PathBuf::new(),
        path: "src/login.txt".to_owned(),
        part: Part::Code,
        language: Some(language),
    };
    let Read::Parsed(parsed) = parse(&options, &file, language, text) else {
        return 0;
    };
    let unit = Unit::default();
    let budget = Budget::new(Instant::now() + options.unit_time);
    let model = Model::new(vec![&parsed], budget);
    let policy = Policy::default();
    let all = knowledge::frameworks();
    let judged = judge_unit(&options, &policy, &unit, &model, &[], all);
    judged.map_or(0, |unit| unit.facts.len())
}

/// Reads one text as configuration and as a manifest of this name, for the fuzzer. Says how many
/// settings and dependencies were found.
#[doc(hidden)]
#[must_use]
pub fn read_config(file: &str, text: &str) -> usize {
    let settings = config::settings(file, text).len();
    let Some(one) = manifest::manifest(file, text) else {
        return settings;
    };
    let needs = one.needs.len();
    let _ = unit::units(&[one]);
    settings + needs
}
