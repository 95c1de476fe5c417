//! Texts of the configuration with the values of one message put in.

use crate::headers::{Charset, printable, sentence, shortened, wrapped};
use crate::judge::Check;
use crate::policy::Refusal;
use crate::template::{Template, Variables};

/// What the texts for one recipient are made of.
#[derive(Clone, Copy)]
pub(super) struct Texts<'a> {
    /// The check that decides.
    pub(super) check: &'a Check,
    /// The recipient without angle brackets; empty where none is known.
    pub(super) rcpt: &'a [u8],
    /// The link that `%{why}` stands for.
    pub(super) why_link: Option<&'a Template>,
    /// Which characters the text can carry.
    pub(super) charset: Charset,
}

impl Texts<'_> {
    /// One line of printable text.
    pub(super) fn expand(&self, template: &Template) -> String {
        let check = self.check;
        let explanation = check.outcome.explanation.as_ref();
        let result = check.result();
        let mut variables = Variables {
            rcpt: &String::from_utf8_lossy(self.rcpt),
            explanation: explanation.map_or("", |explanation| &explanation.text),
            reason: &sentence(result, check.request.ip(), &check.address()),
            result: result.as_str(),
            identity: check.identity.as_str(),
            why: "",
        };
        let why = self.why_link.map(|link| link.expand(&check.request, &variables)).unwrap_or_default();
        variables.why = &why;
        let text = printable(template.expand(&check.request, &variables), self.charset);
        shortened(&text, TEXT_BYTES_MAX)
    }
}

/// The lines of a refusal.
pub(super) fn reply_lines(refusal: &Refusal, texts: &Texts<'_>) -> Vec<String> {
    let explanation = texts.check.outcome.explanation.as_ref();
    let explained = explanation.is_some_and(|explanation| explanation.from.is_some());
    let text = texts.expand(if explained { &refusal.text_explained } else { &refusal.text });
    wrapped(&text, REPLY_LINE_BYTES_MAX).into_iter().map(str::to_owned).collect()
}

/// The longest line of a reply: with code and enhanced code it fits the 512 bytes of RFC 5321 section 4.5.3.1.5.
const REPLY_LINE_BYTES_MAX: usize = 490;

/// The longest text.
const TEXT_BYTES_MAX: usize = 2_000;
