//! From the tree of a file to its scenarios. All problems of a file are reported together.

mod client;
mod dns;
mod fields;
mod known;
mod messages;
mod milter;
mod mta;
mod names;
mod session;

use std::{path::Path, sync::Arc};

pub(crate) use fields::{Fields, as_text, wrong_type};
pub(crate) use milter::to_toml_table;

use super::{
    Located, Scenario, Unit,
    expand::{Expanded, expand},
    node::Node,
    problems::Problems,
};
use crate::{
    diag::{Diag, Source},
    format,
};

/// Reads a scenario file's text: one scenario for each variant and case in it.
///
/// Files that it names (`include`, messages) are looked for beside it.
///
/// # Errors
/// All that is wrong in it, in the order of the places.
pub fn parse(source: &Arc<Source>) -> Result<Vec<Arc<Scenario>>, Vec<Diag>> {
    let root = Node::parse(source)?;
    let mut problems = Problems::default();
    check_format(&root, &mut problems);
    let is_variant = |tree: &Expanded| tree.node.get("expect").is_some();
    let trees = expand(root, &mut problems);
    let read = |tree: &Expanded| read_scenario(source, tree, is_variant(tree), &mut problems);
    let scenarios: Vec<Scenario> = trees.iter().filter_map(read).collect();
    names::check(&scenarios, &mut problems);
    if problems.is_empty() {
        return Ok(scenarios.into_iter().map(Arc::new).collect());
    }
    Err(problems.into_vec())
}

/// The runs that a file's scenarios stand for: each in each of its profiles.
pub fn units(scenarios: &[Arc<Scenario>]) -> Vec<Unit> {
    let unit = |scenario: &Arc<Scenario>| {
        let profiles = scenario.mta.profiles.clone();
        let scenario = Arc::clone(scenario);
        profiles.into_iter().map(move |profile| Unit { scenario: Arc::clone(&scenario), profile: profile.value })
    };
    scenarios.iter().flat_map(unit).collect()
}

fn check_format(root: &Node, problems: &mut Problems) {
    let mut format = Problems::default();
    let Some(version) = root.get("format") else { return };
    let mut fields = Fields::open(root, "", &[], &mut format);
    if fields.integer::<u32>("format").is_none_or(|version| *version != FORMAT) {
        let title = format!("this fake-mta reads format {FORMAT} only");
        problems.add(Diag::error(title).label(&version.span, ""));
    }
}

fn read_scenario(source: &Arc<Source>, tree: &Expanded, is_variant: bool, problems: &mut Problems) -> Option<Scenario> {
    let dir = source.path().parent().unwrap_or_else(|| Path::new(""));
    let mut known = format::SCENARIO.names();
    if is_variant && !tree.suffix().is_empty() {
        known.push("expect");
    }
    let mut fields = Fields::open(&tree.node, "a scenario", &known, problems);
    let name = read_name(&mut fields, &tree.suffix());
    let rfc = fields.texts("rfc").unwrap_or_default();
    let tags = fields.texts("tags").unwrap_or_default();
    let note = fields.text("note");
    // A case may leave its reason empty.
    let differs = fields.text("differs").filter(|reason| !reason.trim().is_empty());
    let known_deviations = known::read(&mut fields);
    let dns = dns::read(fields.node("dns"), dir, fields.problems());
    let mta = mta::read(fields.node("mta"), fields.problems());
    let (milter, more_milters) = milter::read_all(fields.node("milter"), fields.problems());
    let messages = messages::read(fields.node("messages"), dir, fields.problems());
    let sessions = session::read_all(&mut fields, &messages);
    session::check_milters(&sessions, 1 + more_milters.len(), fields.problems());
    let instead = known::read_instead(&mut fields, !known_deviations.is_empty(), &sessions);
    session::check_milters(instead.as_deref().unwrap_or_default(), 1 + more_milters.len(), fields.problems());
    let source = Arc::clone(source);
    Some(Scenario {
        source,
        name: name?,
        variant: tree.variant.clone(),
        case: tree.case.clone(),
        rfc,
        tags,
        note,
        differs,
        known_deviations,
        instead,
        dns,
        mta,
        milter,
        more_milters,
        messages,
        sessions,
    })
}

fn read_name(fields: &mut Fields<'_>, suffix: &str) -> Option<Located<String>> {
    let Some(node) = fields.node("name") else {
        let span = fields.span().part(0..0);
        fields.problems().add(
            Diag::error("a scenario has no name")
                .label(&span, "")
                .help("add `name = \"what the scenario shows\"` at the top"),
        );
        return None;
    };
    let name = fields.text("name")?;
    if name.trim().is_empty() || name.chars().chain(suffix.chars()).any(char::is_control) {
        fields
            .problems()
            .add(Diag::error("a name is one line of text, without control characters").label(&node.span, ""));
        return None;
    }
    Some(Located::new(format!("{}{suffix}", name.trim()), name.span))
}

/// The version of the file format.
const FORMAT: u32 = 1;
