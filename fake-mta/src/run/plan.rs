//! From paths to the units of a run. All files are read before one runs.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Console, DnsAddress, Exit, Options, build::Bins, discover};
use crate::{
    diag::{self, Diag, Source},
    openspf,
    scenario::{self, Scenario, Unit},
    suite::{self, Suite, Template},
};

/// A unit, and the suite that names its milter.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    /// What to play.
    pub(super) unit: Unit,
    /// Where its milter comes from; `None` if one was named on the command line.
    pub(super) suite: Option<Arc<Suite>>,
    /// What it is judged by if it is a test of an openspf suite.
    pub(super) openspf: Option<Arc<openspf::Case>>,
}

/// What is to be run.
#[derive(Debug)]
pub(super) struct Plan {
    /// The units, in the order of files, scenarios and profiles.
    pub(super) units: Vec<Planned>,
    /// How many units the options leave out.
    pub(super) skipped: usize,
    /// `{bin}` for the suites that have one of their own.
    pub(super) bins: Bins,
    /// The address of the fake DNS servers, if one was named.
    pub(super) dns: Option<DnsAddress>,
}

/// Reads everything.
///
/// # Errors
/// All that is wrong in any of the files.
pub(super) fn plan(options: &Options) -> Result<Plan, Vec<Diag>> {
    read_all(options, true)
}

/// The same; where nothing is run a scenario may belong to no suite.
fn read_all(options: &Options, needs_suites: bool) -> Result<Plan, Vec<Diag>> {
    let files = discover::discover(&options.paths)?;
    let mut reader = Reader { needs_suites, suites: BTreeMap::new(), problems: Vec::new() };
    let mut units = Vec::new();
    for path in &files {
        let suite = if options.milters.is_empty() { reader.suite(path) } else { None };
        if openspf::is_suite_file(path) {
            units.extend(reader.openspf(path, suite.as_ref(), options));
            continue;
        }
        let scenarios = reader.scenarios(path);
        for unit in scenario::units(&scenarios) {
            reader.check_templates(&unit, suite.as_deref());
            units.push(Planned { unit, suite: suite.clone(), openspf: None });
        }
    }
    if !reader.problems.is_empty() {
        return Err(reader.problems);
    }
    let all = units.len();
    units.retain(|planned| is_wanted(&planned.unit, options));
    if let Some(shard) = options.part.shard {
        let mut number = 0..;
        units.retain(|_| number.next().is_some_and(|number| shard.holds(number)));
    }
    if units.is_empty() {
        return Err(vec![nothing_left(options, all)]);
    }
    Ok(Plan { skipped: all - units.len(), units, bins: Bins::new(), dns: options.dns.map(DnsAddress::from) })
}

/// Whether a milter of the plan has to be started in namespaces of its own. What is wrong in the files is told later, by the run.
pub fn wants_namespaces(options: &Options) -> bool {
    // A pipe can be read once: what is in there is for the run.
    let (pipes, paths): (Vec<_>, Vec<_>) = options.paths.iter().cloned().partition(|path| diag::waits(path));
    if options.milters.is_empty() && pipes.iter().any(|pipe| suite_of(pipe).is_some_and(|suite| suite.netns)) {
        return true;
    }
    plan(&Options { paths, ..options.clone() }).is_ok_and(|plan| {
        let suites = plan.units.iter().filter_map(|planned| planned.suite.as_ref());
        suites.into_iter().any(|suite| suite.netns)
    })
}

/// The suite to which a scenario belongs by its place alone.
pub(crate) fn suite_of(scenario: &Path) -> Option<Suite> {
    suite::load(suite::find(scenario)?).ok()
}

/// Reads everything and says what is wrong, as `fake-mta check` does.
pub fn check(options: &Options, console: &mut Console) -> Exit {
    match read_all(options, false) {
        Ok(plan) => {
            console.results(&format!("{} runs, nothing wrong\n", plan.units.len()));
            Exit::PASSED
        }
        Err(diags) => {
            console.diags(&diags);
            Exit::UNREADABLE
        }
    }
}

/// Writes the path and the name of every unit, as `fake-mta list` does.
pub fn list(options: &Options, console: &mut Console) -> Exit {
    match read_all(options, false) {
        Ok(plan) => {
            for planned in plan.units {
                let path = planned.unit.scenario.path().to_string_lossy().into_owned();
                let name = planned.unit.name();
                console.results(&format!("{}: {}\n", diag::escape(&path), diag::escape(&name)));
            }
            Exit::PASSED
        }
        Err(diags) => {
            console.diags(&diags);
            Exit::UNREADABLE
        }
    }
}

struct Reader {
    /// Whether a scenario without a suite file is a problem.
    needs_suites: bool,
    suites: BTreeMap<PathBuf, Option<Arc<Suite>>>,
    problems: Vec<Diag>,
}

impl Reader {
    fn scenarios(&mut self, path: &Path) -> Vec<Arc<Scenario>> {
        let parsed = read(path).and_then(|source| scenario::parse(&source));
        parsed.unwrap_or_else(|mut diags| {
            self.problems.append(&mut diags);
            Vec::new()
        })
    }

    fn openspf(&mut self, path: &Path, suite: Option<&Arc<Suite>>, options: &Options) -> Vec<Planned> {
        if !options.milters.is_empty() && options.dns.is_none() {
            self.problems.push(no_dns(path));
            return Vec::new();
        }
        let setting = openspf::Setting { suite: suite.map(Arc::as_ref), timeout: options.openspf_timeout };
        let cases = read(path).and_then(|source| openspf::read(&source, &setting)).unwrap_or_else(|mut diags| {
            self.problems.append(&mut diags);
            Vec::new()
        });
        let planned = |(unit, case)| Planned { unit, suite: suite.cloned(), openspf: Some(Arc::new(case)) };
        cases.into_iter().map(planned).collect()
    }

    fn suite(&mut self, scenario: &Path) -> Option<Arc<Suite>> {
        let Some(path) = suite::find(scenario) else {
            if !self.needs_suites {
                return None;
            }
            let dir = scenario.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
            let dir = diag::shown(dir);
            let help = "write one with `[milter]` and its `command`, or name a running milter with --milter ADDR";
            let title =
                format!("no {} in {dir} or above it, nor in the project of the current folder", suite::FILE_NAME);
            let diag = Diag::error(title).help(help);
            if !self.problems.contains(&diag) {
                self.problems.push(diag);
            }
            return None;
        };
        if let Some(known) = self.suites.get(&path) {
            return known.clone();
        }
        let loaded = suite::load(path.clone()).map_err(|mut diags| self.problems.append(&mut diags)).ok().map(Arc::new);
        self.suites.insert(path, loaded.clone());
        loaded
    }

    /// What a scenario hands to its milter has to fit the suite.
    fn check_templates(&mut self, unit: &Unit, suite: Option<&Suite>) {
        let Some(suite) = suite else { return };
        let sections: Vec<_> = super::settings::sections(unit).collect();
        let texts = sections.iter().flat_map(|section| section.args.iter().chain(section.env.values()));
        let mut found: Vec<Diag> = texts.filter_map(|text| Template::parse(text, suite.socket).err()).collect();
        if sections.iter().any(|section| section.config.is_some()) && !suite.takes_config() {
            let span = unit.scenario.name.span.clone();
            let title = format!(
                "[milter.config] of this scenario has nowhere to go: {} names no `config_file` and no `{{config.…}}`",
                diag::shown(suite.source.path())
            );
            found.push(
                Diag::error(title)
                    .label(&span, "")
                    .help("add `config_file = \"{dir}/milter.toml\"` there, and name it in the command"),
            );
        }
        found.retain(|diag| !self.problems.contains(diag));
        self.problems.append(&mut found);
    }
}

/// Every test has a DNS of its own, which a milter that runs already must have been told of.
fn no_dns(path: &Path) -> Diag {
    Diag::error(format!("{} cannot be played against a running milter without --dns", diag::shown(path)))
        .help("have the milter ask a DNS server at a fixed address, and name it here: --dns IP:PORT")
}

fn read(path: &Path) -> Result<Arc<Source>, Vec<Diag>> {
    let text = diag::read_named_text(path, diag::MAX_TEXT_BYTES).map_err(|diag| vec![diag])?;
    Ok(Source::new(path, text))
}

fn is_wanted(unit: &Unit, options: &Options) -> bool {
    let profile = options.profile.as_ref().is_none_or(|wanted| unit.profile == *wanted);
    let filter = options.filter.as_ref().is_none_or(|wanted| is_named(unit, wanted));
    let tags = &options.part.tags;
    let tagged = tags.is_empty() || unit.scenario.tags.iter().any(|tag| tags.contains(&tag.value));
    profile && filter && tagged
}

/// Whether a text stands in the path or the name of a run, as `--filter` has it.
pub(crate) fn is_named(unit: &Unit, text: &str) -> bool {
    unit.name().contains(text) || unit.scenario.path().to_string_lossy().contains(text)
}

fn nothing_left(options: &Options, all: usize) -> Diag {
    let mut limits = Vec::new();
    limits.extend(options.filter.as_ref().map(|filter| format!("--filter {}", super::quoted(filter))));
    limits.extend(options.profile.as_ref().map(|profile| format!("--profile {profile}")));
    limits.extend(options.part.tags.iter().map(|tag| format!("--tag {}", super::quoted(tag))));
    if options.part.shard.is_some() {
        limits.push("--shard".to_owned());
    }
    Diag::error(format!("none of the {all} runs fits {}", limits.join(" and ")))
        .help("`fake-mta list` shows the names that --filter looks in")
}
