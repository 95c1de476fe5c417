//! From the text of an openspf file to its units.

use std::{net::IpAddr, path::Path, sync::Arc};

use serde_saphyr::{Location, Spanned};

use super::{
    TimeoutForm,
    bytes::{bytes, name},
    case::{Case, Expected, Identity, SpfResult, WORDS},
    unit::Draft,
    yaml::{self, Document, Test},
    zonedata::Zonedata,
};
use crate::{
    diag::{self, Diag, Source, Span},
    scenario::{Problems, Unit, Unknown},
    suite::Suite,
};

/// What a file is read for.
pub(crate) struct Setting<'a> {
    /// The suite whose milter is started; `None` for one that runs already.
    pub(crate) suite: Option<&'a Suite>,
    /// What `TIMEOUT` stands for.
    pub(crate) timeout: TimeoutForm,
}

/// Whether a file's name says that it is YAML, and so an openspf suite.
pub(crate) fn is_suite_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml")
}

/// Whether a file in a folder that is searched is an openspf suite: other tools keep YAML of their own beside scenarios.
pub(crate) fn is_found_in_folders(path: &Path) -> bool {
    let has_zonedata = |text: String| text.lines().any(|line| line.starts_with("zonedata:"));
    is_suite_file(path) && diag::read_text(path, diag::MAX_TEXT_BYTES).is_ok_and(has_zonedata)
}

/// Reads a file: one unit for the result of each test, then one for each explanation.
///
/// # Errors
/// All that is wrong in it.
pub(crate) fn read(source: &Arc<Source>, setting: &Setting<'_>) -> Result<Vec<(Unit, Case)>, Vec<Diag>> {
    let documents = yaml::documents(source.text()).map_err(|error| {
        let place = error.location.map_or_else(|| Span::new(source, 0..0), |location| place(source, location));
        vec![
            Diag::error(error.message)
                .label(&place, "")
                .help("an openspf suite has `tests` and `zonedata` in each document"),
        ]
    })?;
    let mut reader = Reader { source, setting, problems: Problems::default() };
    let zones: Vec<Arc<Zonedata>> = documents.iter().map(|document| Arc::new(reader.zone(document))).collect();
    let mut units = Vec::new();
    for pass in [Pass::Results, Pass::Explanations] {
        for (number, (document, zone)) in documents.iter().zip(&zones).enumerate() {
            let title = document.description.as_ref().map(|title| title.value.trim().to_owned());
            let title = title.unwrap_or_else(|| format!("scenario {}", number + 1));
            units.extend(reader.tests(document, &title, zone, pass));
        }
    }
    if reader.problems.is_empty() { Ok(units) } else { Err(reader.problems.into_vec()) }
}

/// What a milter is configured for. A world is in one pass from its start to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Results,
    Explanations,
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    setting: &'a Setting<'a>,
    problems: Problems,
}

impl Reader<'_> {
    fn zone(&mut self, document: &Document) -> Zonedata {
        let mut zone = Zonedata::default();
        for (owner, items) in &document.zonedata.0 {
            let items = items.as_deref().unwrap_or_default();
            match name(&owner.value) {
                Ok(name) => {
                    let added = zone.add(&name, items.iter().map(|item| &item.value), self.setting.timeout);
                    let problem = added.err().map(|(number, problem)| (self.place(&items[number]), problem));
                    self.note(problem);
                }
                Err(error) => self.note(Some((self.place(owner), error.to_string()))),
            }
        }
        zone
    }

    fn tests(&mut self, document: &Document, title: &str, zone: &Arc<Zonedata>, pass: Pass) -> Vec<(Unit, Case)> {
        let mut units = Vec::new();
        for (id, test) in &document.tests.0 {
            // Everything is looked at, so that all that is wrong is told at once.
            let (expected, client) = (self.expected(test, pass), self.client(test));
            self.check_line(&test.helo);
            self.check_line(&test.mailfrom);
            if let (Some((expected, span)), Some(client)) = (expected, client) {
                let (suffix, config) = self.config(&expected);
                let draft = Draft {
                    name: format!("{} / {title} / {}{suffix}", self.file_name(), id.value),
                    span: self.place(id),
                    note: test.description.as_deref(),
                    zone,
                    config,
                    client,
                    helo: &test.helo.value,
                    mail_from: &test.mailfrom.value,
                };
                units.push((draft.unit(self.source), self.case(test, zone, expected, span)));
            }
        }
        units
    }

    fn case(&self, test: &Test, zone: &Arc<Zonedata>, expected: Expected, span: Span) -> Case {
        Case {
            skipped: self.skipped(&expected),
            expected,
            span,
            identity: if test.mailfrom.value.is_empty() { Identity::Helo } else { Identity::MailFrom },
            zone: Arc::clone(zone),
            domains: domains(test),
            timeout: self.setting.timeout,
        }
    }

    /// What is to come out in a pass, and where the file says so; nothing if the test has no part in it.
    fn expected(&mut self, test: &Test, pass: Pass) -> Option<(Expected, Span)> {
        match pass {
            Pass::Results => Some((Expected::Results(self.results(test)?), self.place(&test.result))),
            Pass::Explanations => {
                let text = test.explanation.as_ref()?;
                Some((Expected::Explanation(text.value.clone()), self.place(text)))
            }
        }
    }

    fn file_name(&self) -> String {
        self.source.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// What the pass adds to a unit's name, and to the milter's configuration.
    fn config(&self, expected: &Expected) -> (&'static str, Option<toml::Table>) {
        let openspf = self.setting.suite.map(|suite| &suite.openspf);
        match expected {
            Expected::Results(_) => ("", openspf.and_then(|openspf| openspf.results.clone())),
            Expected::Explanation(_) => (" / explanation", openspf.and_then(|openspf| openspf.explanations.clone())),
        }
    }

    /// Only a milter that is configured for it refuses with the bare explanation.
    fn skipped(&self, expected: &Expected) -> Option<String> {
        let Expected::Explanation(_) = expected else { return None };
        match self.setting.suite {
            None => Some(FOREIGN.to_owned()),
            Some(suite) if suite.openspf.explanations.is_none() => {
                Some(format!("{UNCONFIGURED} {}", suite.source.path().display()))
            }
            Some(_) => None,
        }
    }

    fn results(&mut self, test: &Test) -> Option<Vec<SpfResult>> {
        let mut results = Vec::new();
        for word in &test.result.value.0 {
            match SpfResult::named(word) {
                Some(result) => results.push(result),
                None => {
                    let unknown = Unknown::new("result", word, WORDS.map(|(word, _)| word));
                    let diag = Diag::error(unknown.to_string()).label(&self.place(&test.result), "");
                    self.problems.add(diag.help(unknown.help));
                    return None;
                }
            }
        }
        if results.is_empty() {
            self.note(Some((self.place(&test.result), "no result is named".to_owned())));
            return None;
        }
        Some(results)
    }

    fn client(&mut self, test: &Test) -> Option<IpAddr> {
        let client = test.host.value.parse().ok();
        if client.is_none() {
            self.note(Some((self.place(&test.host), "the client's address is neither IPv4 nor IPv6".to_owned())));
        }
        client
    }

    fn check_line(&mut self, text: &Spanned<String>) {
        if text.value.contains(['\r', '\n']) {
            self.note(Some((self.place(text), "a line end cannot be said in an SMTP command".to_owned())));
        }
    }

    fn note(&mut self, problem: Option<(Span, String)>) {
        if let Some((span, problem)) = problem {
            self.problems.add(Diag::error(problem).label(&span, ""));
        }
    }

    fn place<T>(&self, value: &Spanned<T>) -> Span {
        place(self.source, value.referenced)
    }
}

/// The place of a value: all of it if it is one scalar, else the rest of the line that it begins in.
fn place(source: &Arc<Source>, location: Location) -> Span {
    let offset = |bytes: Option<u64>| bytes.and_then(|bytes| usize::try_from(bytes).ok());
    let Some(start) = offset(location.span().byte_offset()) else { return Span::new(source, 0..0) };
    let (line, _) = source.line_column(start);
    let end = source.line_range(line).end.max(start);
    let length = offset(location.span().byte_len()).unwrap_or_default();
    // Of a list only the bracket that opens it counts as its place.
    let is_whole = length > 0 && start + length <= end && !source.text()[start..].starts_with(['[', '{']);
    Span::new(source, start..if is_whole { start + length } else { end })
}

/// The domains of sender and HELO name, where they are names.
fn domains(test: &Test) -> Vec<zone::Name> {
    let sender = test.mailfrom.value.rsplit_once('@').map(|(_, domain)| domain);
    let texts = sender.into_iter().chain([test.helo.value.as_str()]);
    texts.filter_map(|text| zone::Name::from_dotted(bytes(text)).ok()).collect()
}

const FOREIGN: &str =
    "explanations are played only with a milter that fake-mta configures: the milter named by --milter runs already";

const UNCONFIGURED: &str = "explanations are played only where the milter can be told to refuse with them: there is no [openspf.explanations] in";

#[cfg(test)]
mod tests {
    use super::*;

    const SUITE: &str = "[milter]\ncommand = 'm'\nconfig_file = '{dir}/m.toml'\n[openspf]\nresults.mode = 'record'\n\
                         explanations = { mode = 'enforce' }\n";

    const TEXT: &str = "---\ndescription: One\ntests:\n  b:\n    helo: h.example\n    host: 1.2.3.4\n    mailfrom: a@o.example\n    \
                        result: [fail, none]\n    explanation: DEFAULT\n  a:\n    helo: \"\\x96\"\n    host: CAFE::1\n    mailfrom: ''\n    \
                        result: none\nzonedata:\n  o.example:\n    - SPF: v=spf1 -all\n  t.example:\n    - TIMEOUT\n\
                        ---\ntests:\n  c: {helo: h, host: 1.2.3.4, mailfrom: '@o', result: pass}\nzonedata: {}\n";

    fn units(text: &str, suite: Option<&str>) -> Result<Vec<(Unit, Case)>, Vec<Diag>> {
        let suite = suite.map(|text| Suite::parse(&Source::new("fake-mta.toml", text)).unwrap());
        let setting = Setting { suite: suite.as_ref(), timeout: TimeoutForm::Silence };
        read(&Source::new("x/tests.yml", text), &setting)
    }

    fn lines(unit: &Unit) -> Vec<String> {
        let steps = &unit.scenario.sessions[0].steps;
        let line = |step: &crate::scenario::Step| match &step.action.value {
            crate::scenario::Action::Smtp(line) => Some(line.clone()),
            crate::scenario::Action::Raw(bytes) => Some(format!("{bytes:?}")),
            _ => None,
        };
        steps.iter().filter_map(line).collect()
    }

    #[test]
    fn results_come_first_then_explanations_in_the_order_of_the_file() {
        let units = units(TEXT, Some(SUITE)).unwrap();
        let names: Vec<String> = units.iter().map(|(unit, _)| unit.name()).collect();
        let expected = ["One / b", "One / a", "scenario 2 / c", "One / b / explanation"];
        assert_eq!(names, expected.map(|name| format!("tests.yml / {name} [direct]")));
        let expected: Vec<String> = units.iter().map(|(_, case)| case.expected.to_string()).collect();
        assert_eq!(expected, ["fail or none", "none", "pass", "DEFAULT"]);
        assert!(units.iter().all(|(_, case)| case.skipped().is_none()));
        let worlds: Vec<bool> = units.windows(2).map(|two| two[0].1.shares_world_with(&two[1].1)).collect();
        assert_eq!(worlds, [true, false, false]);
        assert!(!units[0].1.shares_world_with(&units[3].1));
    }

    #[test]
    fn a_test_is_one_session_in_the_dns_of_its_document() {
        let units = units(TEXT, Some(SUITE)).unwrap();
        let scenario = &units[0].0.scenario;
        assert_eq!(scenario.dns.zones[0].text.lines().count(), 2);
        assert_eq!(scenario.dns.faults[0].value, "t.example ANY drop");
        let expected = ["HELO h.example", "MAIL FROM:<a@o.example>", "RCPT TO:<rcpt@example.net>", "QUIT"];
        assert_eq!(lines(&units[0].0), expected);
        assert_eq!(lines(&units[1].0)[0], format!("{:?}", b"HELO \x96\r\n"));
        assert_eq!(lines(&units[1].0)[1], "MAIL FROM:<>");
        assert_eq!((units[0].1.identity, units[1].1.identity), (Identity::MailFrom, Identity::Helo));
        let modes =
            [&units[0].0, &units[3].0].map(|unit| unit.scenario.milter.config.as_ref().unwrap()["mode"].clone());
        assert_eq!(modes.map(|mode| mode.as_str().unwrap().to_owned()), ["record", "enforce"]);
    }

    #[test]
    fn places_are_those_of_the_file() {
        let units = units(TEXT, Some(SUITE)).unwrap();
        let places: Vec<_> = units.iter().map(|(_, case)| (case.span.line(), case.span.text())).collect();
        assert_eq!(places, [(8, "[fail, none]"), (14, "none"), (22, "pass"), (9, "DEFAULT")]);
        assert_eq!(units[0].0.scenario.name.span.text(), "b");
    }

    #[test]
    fn explanations_are_skipped_where_nobody_can_ask_for_them() {
        for (suite, reason) in [(None, FOREIGN), (Some("[milter]\ncommand = 'm'\n"), UNCONFIGURED)] {
            let units = units(TEXT, suite).unwrap();
            let skipped: Vec<_> = units.iter().filter_map(|(_, case)| case.skipped()).collect();
            assert_eq!(skipped.len(), 1);
            assert!(skipped[0].starts_with(reason), "{}", skipped[0]);
        }
    }

    #[test]
    fn all_mistakes_are_told_with_their_places() {
        let text = "tests:\n  a: {helo: h, host: 1.2.3, mailfrom: a, result: fial}\n  b: {helo: \"h\\n\", host: 1.2.3.4, mailfrom: a, result: []}\n\
                    zonedata:\n  a..b:\n    - A: 1.2.3.4\n  o.example:\n    - A: 1.2.3.4\n    - TIMOUT\n";
        let diags = units(text, None).expect_err("six mistakes");
        let told: Vec<_> = diags.iter().map(|diag| format!("{}: {}", diag.labels[0].0, diag.title)).collect();
        insta::assert_snapshot!(told.join("\n"));
        let diags = units("tests: [", None).expect_err("no YAML");
        assert_eq!(diags.len(), 1);
    }
}
