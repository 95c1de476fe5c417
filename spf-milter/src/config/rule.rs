//! One rule: an action's word, or a table with action, codes and texts.

use spf::SpfResult;
use toml::Spanned;
use toml::de::DeValue;

use super::table::{TableReader, choose};
use crate::diagnostic::Problem;
use crate::policy::{Action, EnhancedCode, Refusal, ReplyCode, Rule, Stage};
use crate::template::Template;

/// Where a rule stands, which says what its defaults are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defaults {
    /// For senders.
    Sender,
    /// For HELO names.
    Helo,
    /// For HELO names that are no domains.
    UnusableHelo,
}

/// The texts for all rejections that have none of their own, and what may stand in texts.
pub(super) struct Texts {
    plain: Option<Template>,
    explained: Option<Template>,
    stage: Stage,
    has_link: bool,
}

impl Texts {
    /// Reads `reject_text` and `reject_text_explained`.
    pub(super) fn read(reader: &mut TableReader<'_>, stage: Stage, has_link: bool) -> Self {
        let mut texts = Self { plain: None, explained: None, stage, has_link };
        texts.plain = texts.template(reader, "reject_text");
        texts.explained = texts.template(reader, "reject_text_explained");
        texts.check_link(reader);
        texts
    }

    /// A text of a reply.
    fn template(&self, reader: &mut TableReader<'_>, key: &'static str) -> Option<Template> {
        let template = reader.template(key)?;
        if let Some(place) = reader.place(key) {
            if template.uses("rcpt") && self.stage < Stage::Rcpt {
                let what = "no recipient is known where the text is said";
                let hint = "take %{rcpt} out, or set refuse_at = \"rcpt\" or \"eom\"";
                reader.problem(Problem::new(place.clone(), what).hint(hint));
            }
            if template.uses("why") && !self.has_link {
                let what = "there is no link for %{why}";
                reader.problem(Problem::new(place, what).hint("say in `why_link` where it leads"));
            }
        }
        Some(template)
    }

    fn check_link(&self, reader: &TableReader<'_>) {
        let Some(place) = reader.place("why_link") else { return };
        let link = self.has_link.then(|| reader.text("why_link")).flatten().and_then(|text| Template::parse(text).ok());
        if link.is_some_and(|link| link.uses("why")) {
            reader.problem(Problem::new(place, "the link cannot hold itself: %{why} in `why_link`"));
        }
    }
}

/// What the configuration says about one result.
#[derive(Default)]
pub(super) struct Draft {
    action: Option<Action>,
    code: Option<Spanned<u16>>,
    enhanced: Option<Spanned<EnhancedCode>>,
    text: Option<Template>,
    text_explained: Option<Template>,
}

/// A rule is an action's word, or a table with more.
pub(super) fn read_rule(
    reader: &mut TableReader<'_>,
    key: &'static str,
    result: SpfResult,
    defaults: Defaults,
    texts: &Texts,
) -> Rule {
    let Some(value) = reader.value(key) else {
        return Draft::default().finish(result, defaults, texts);
    };
    let draft = match value.get_ref() {
        DeValue::String(word) => {
            let action = choose(&reader.path(key), word, value.span(), &Action::WORDS);
            Draft { action: reader.keep(action), ..Draft::default() }
        }
        DeValue::Table(_) => {
            let table = reader.table(key);
            table.map(|table| read_draft(table, result, defaults, texts)).unwrap_or_default()
        }
        _ => reader.wrong_type(key, "a string or a table", value).unwrap_or_default(),
    };
    draft.finish(result, defaults, texts)
}

fn read_draft(mut table: TableReader<'_>, result: SpfResult, defaults: Defaults, texts: &Texts) -> Draft {
    let draft = Draft {
        action: table.choice("action", &Action::WORDS),
        code: table.placed_number("code", 400..=599),
        enhanced: table.parsed("enhanced", |text, span| match text.parse() {
            Ok(code) => Ok(Spanned::new(span, code)),
            Err(error) => Err(Problem::new(span, format!("`{}` is {error}", text.escape_default()))),
        }),
        text: texts.template(&mut table, "text"),
        text_explained: texts.template(&mut table, "text_explained"),
    };
    draft.check(&table, draft.action(result, defaults));
    table.finish();
    draft
}

impl Draft {
    fn action(&self, result: SpfResult, defaults: Defaults) -> Action {
        self.action.unwrap_or_else(|| defaults.action(result))
    }

    /// Notes what contradicts itself.
    fn check(&self, table: &TableReader<'_>, action: Action) {
        let Some(class) = action.reply_class() else {
            return self.check_without_reply(table, action);
        };
        let word = action.word();
        let other = if class == 5 { "tempfail" } else { "reject" };
        if let Some(code) = self.code.as_ref().filter(|code| code.get_ref() / 100 != u16::from(class)) {
            let what = format!("the action `{word}` needs a code of {class}xx, not {}", code.get_ref());
            table.problem(Problem::new(code.span(), what).hint(format!("or did you mean action = \"{other}\"?")));
        }
        if let Some(enhanced) = self.enhanced.as_ref().filter(|enhanced| enhanced.get_ref().class != class) {
            let what = format!("the action `{word}` needs an enhanced code of {class}.x.x, not {}", enhanced.get_ref());
            let hint = "MTAs refuse a reply whose enhanced code is of another class than its code (RFC 7372, RFC 3463)";
            table.problem(Problem::new(enhanced.span(), what).hint(hint));
        }
    }

    /// The actions that say nothing to the client.
    fn check_without_reply(&self, table: &TableReader<'_>, action: Action) {
        let word = action.word();
        let hint = "set action = \"reject\" or action = \"tempfail\"";
        if let Some(place) = table.place("code").or_else(|| table.place("enhanced")) {
            let what = format!("a reply code means nothing where the action is `{word}`");
            table.problem(Problem::new(place, what).hint(hint));
        }
        if let Some(place) = table.place("text_explained") {
            let what = format!("a reply text means nothing where the action is `{word}`");
            table.problem(Problem::new(place, what).hint(hint));
        }
        let Some(place) = table.place("text") else { return };
        match (action, &self.text) {
            (Action::Tag, Some(text)) if !text.is_printable_ascii() => {
                table.problem(Problem::new(place, "the tag of a subject must be printable ASCII"));
            }
            (Action::Quarantine | Action::Tag, _) => {}
            _ => table.problem(Problem::new(place, format!("a text means nothing where the action is `{word}`"))),
        }
    }

    /// The rule, with what the configuration does not say.
    pub(super) fn finish(self, result: SpfResult, defaults: Defaults, texts: &Texts) -> Rule {
        let action = self.action(result, defaults);
        match action {
            Action::Accept => Rule::Accept,
            Action::Header => Rule::Header,
            Action::Discard => Rule::Discard,
            Action::Quarantine => Rule::Quarantine(self.text.unwrap_or_else(|| template(QUARANTINE))),
            Action::Tag => Rule::Tag(self.text.unwrap_or_else(|| template(TAG))),
            Action::Reject => Rule::Refuse(self.refusal(result, defaults, texts, 5)),
            Action::Tempfail => Rule::Refuse(self.refusal(result, defaults, texts, 4)),
        }
    }

    fn refusal(self, result: SpfResult, defaults: Defaults, texts: &Texts, class: u8) -> Refusal {
        let usual = ReplyCode::default_for(result, class);
        let code = ReplyCode {
            code: self.code.map_or(usual.code, Spanned::into_inner),
            enhanced: self.enhanced.map_or(usual.enhanced, Spanned::into_inner),
        };
        // The more special text goes first; a text of the administrator's is never pushed aside by one of ours.
        let shared = (class == 5 && defaults != Defaults::UnusableHelo).then_some(texts);
        let plain = self.text.clone().or_else(|| shared?.plain.clone());
        let explained =
            self.text_explained.or(self.text).or_else(|| shared?.explained.clone()).or_else(|| plain.clone());
        let usual = |explained| match defaults {
            Defaults::UnusableHelo => template(UNUSABLE_HELO),
            _ => default_text(result, explained, texts.has_link),
        };
        Refusal {
            code,
            text: plain.unwrap_or_else(|| usual(false)),
            text_explained: explained.unwrap_or_else(|| usual(true)),
        }
    }
}

/// The shipped texts.
///
/// RFC 7208 section 8.4 wants an explanation from the domain told apart from the receiver's own words.
fn default_text(result: SpfResult, explained: bool, has_link: bool) -> Template {
    let text = match (result, explained) {
        (SpfResult::Temperror, _) => "SPF check not completed: %{reason}",
        (_, false) => "SPF validation failed: %{reason}",
        (_, true) => "SPF validation failed: %{reason}; %{o} explains: %{explanation}",
    };
    if has_link { template(&format!("{text}; see %{{why}}")) } else { template(text) }
}

fn template(text: &str) -> Template {
    Template::parse(text).expect("the shipped texts are valid, and the defaults are read in the tests")
}

/// Why a message is held.
const QUARANTINE: &str = "SPF %{result}: %{reason}";

/// What stands in front of a subject.
const TAG: &str = "[SPF %{result}] ";

/// What the owner of a HELO name is told that is no domain.
const UNUSABLE_HELO: &str = "%{h} is no domain name: say HELO with the name of your host";
