//! The keys that make the policy: `mode`, `refuse_at`, `leave_to_dmarc`, the texts, and the tables `policy` and `helo`.

use spf::SpfResult;

use super::rule::{Defaults, Draft, Texts, read_rule};
use super::table::TableReader;
use crate::diagnostic::Problem;
use crate::policy::{Action, LeaveToDmarc, Policy, Rules, Stage, UnusableHelo};
use crate::template::Template;

/// What the keys come to.
pub(super) struct PolicyKeys {
    pub(super) policy: Policy,
    pub(super) check_helo: bool,
    pub(super) why_link: Option<Template>,
}

/// Reads the policy out of the outermost table.
pub(super) fn read_policy(reader: &mut TableReader<'_>) -> PolicyKeys {
    let enforce = reader.choice("mode", &MODES).unwrap_or(true);
    let stage = reader.choice("refuse_at", &Stage::WORDS).unwrap_or(Stage::Rcpt);
    let dmarc = reader.choice("leave_to_dmarc", &LeaveToDmarc::WORDS).unwrap_or(LeaveToDmarc::Never);
    let why_link = reader.template("why_link");
    let texts = Texts::read(reader, stage, why_link.is_some());
    let (mail_from, null_sender, helo) = read_tables(reader, &texts);
    let mut policy = Policy {
        enforce,
        stage,
        dmarc,
        mail_from,
        null_sender,
        helo,
        helo_definitive: Vec::new(),
        helo_unusable: UnusableHelo::default(),
    };
    let check_helo = read_helo(reader, &mut policy, &texts);
    PolicyKeys { policy, check_helo, why_link }
}

/// The rules for senders, for the null sender, and for HELO names.
fn read_tables(reader: &mut TableReader<'_>, texts: &Texts) -> (Rules, Rules, Option<Rules>) {
    let Some(mut table) = reader.table("policy") else {
        let defaults = || Rules::new(|result| Draft::default().finish(result, Defaults::Sender, texts));
        return (defaults(), defaults(), None);
    };
    let mail_from = Rules::new(|result| read_rule(&mut table, result.as_str(), result, Defaults::Sender, texts));
    // What is not said of the null sender in particular is said of all senders.
    let mut null_table = table.table("null_sender");
    let null_sender = Rules::new(|result| match &mut null_table {
        Some(own) if own.place(result.as_str()).is_some() => {
            read_rule(own, result.as_str(), result, Defaults::Sender, texts)
        }
        _ => mail_from.get(result).clone(),
    });
    finish(null_table);
    let mut helo_table = table.table("helo");
    let helo = helo_table
        .as_mut()
        .map(|own| Rules::new(|result| read_rule(own, result.as_str(), result, Defaults::Helo, texts)));
    finish(helo_table);
    table.finish();
    (mail_from, null_sender, helo)
}

/// Refuses unknown keys of a table of results.
fn finish(table: Option<TableReader<'_>>) {
    let Some(mut table) = table else { return };
    for result in SpfResult::ALL {
        table.ask(result.as_str());
    }
    table.finish();
}

/// Reads the table `helo`; returns whether HELO names are checked.
fn read_helo(reader: &mut TableReader<'_>, policy: &mut Policy, texts: &Texts) -> bool {
    let Some(mut table) = reader.table("helo") else {
        return true;
    };
    let check = table.boolean("check").unwrap_or(true);
    policy.helo_definitive = read_results(&mut table, "definitive");
    let mut unusable = |key| {
        table.ask(key);
        let is_set = table.place(key).is_some();
        is_set.then(|| read_rule(&mut table, key, SpfResult::None, Defaults::UnusableHelo, texts))
    };
    policy.helo_unusable = UnusableHelo { literal: unusable("literal"), not_fqdn: unusable("not_fqdn") };
    if !check {
        for key in ["definitive", "literal", "not_fqdn"] {
            if let Some(place) = table.place(key) {
                let what = format!("`helo.{key}` means nothing where HELO names are not checked");
                table.problem(Problem::new(place, what).hint("set helo.check = true"));
            }
        }
    }
    table.finish();
    check
}

/// A list of results.
fn read_results(table: &mut TableReader<'_>, key: &'static str) -> Vec<SpfResult> {
    let words = SpfResult::ALL.map(SpfResult::as_str).join(", ");
    let parse = |text: &str| text.parse().map_err(|_| format!("`{}` is none of {words}", text.escape_default()));
    super::lists::read_list(table, key, parse).unwrap_or_default()
}

impl Defaults {
    /// What is done unless the configuration says otherwise.
    pub(super) fn action(self, result: SpfResult) -> Action {
        match self {
            Self::Sender => Action::default_for(result),
            Self::Helo => Action::default_for_helo(result),
            Self::UnusableHelo => Action::Header,
        }
    }
}

/// Whether refusals are carried out; the last word is an older one for the second.
const MODES: [(&str, bool); 3] = [("enforce", true), ("dry-run", false), ("record", false)];
