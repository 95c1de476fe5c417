use super::evaluation::{Asker, Evaluation};
use crate::dns::{AnswerKind, Lookup, Rdata, RecordType};
use crate::limits::EXPLANATION_BYTES_MAX;
use crate::macro_string::{MacroContext, MacroLetter, MacroString, Values, expand_domain, expand_explanation};
use crate::name::Name;
use crate::outcome::Explanation;
use crate::result::SpfResult;

impl<L: Lookup> Evaluation<'_, L> {
    /// Finds the explanation of a `fail`, once the result stands (§6.2): that of the record which decided, so
    /// neither that of an included record nor that of one with a `redirect`.
    pub(super) async fn explain(&mut self, result: SpfResult) -> Option<Explanation> {
        if result != SpfResult::Fail {
            return None;
        }
        // Only a directive that matched makes a `fail`.
        let (domain, term) = self.cause.domain.as_ref().zip(self.cause.term.as_ref())?;
        if term.record().exp().is_none() && self.request.default_explanation().is_none() {
            return None;
        }
        let (domain, term) = (domain.clone(), term.clone());
        if let Some(target) = term.record().exp()
            && let Some(text) = self.domain_explanation(&domain, target).await
        {
            return Some(Explanation { text, from: Some(domain) });
        }
        self.default_explanation(&domain).await
    }

    /// Fetches a domain's explanation; whatever goes wrong, there just is none (§6.2).
    async fn domain_explanation(&mut self, domain: &Name, target: &MacroString) -> Option<String> {
        if self.has_unusable_local_part(target) {
            return None;
        }
        let name = self.name_for(target, domain).await;
        let target = expand_domain(target, &self.values(domain, name.as_ref())).ok()?;
        let AnswerKind::Records(records) = self.ask(&target, RecordType::Txt, Asker::Uncounted).await.ok()? else {
            return None;
        };
        let text = MacroString::explain_string(single_text(&records)?).ok()?;
        let name = self.name_for(&text, domain).await;
        let expanded = expand_explanation(&text, &self.values(domain, name.as_ref()))?;
        sanitized(expanded)
    }

    async fn default_explanation(&mut self, domain: &Name) -> Option<Explanation> {
        let text = self.request.default_explanation()?;
        let name = self.name_for(text, domain).await;
        let context = MacroContext { request: self.request, validated_name: name.as_ref(), variables: &|_| None };
        Some(Explanation { text: text.expand(&context), from: None })
    }

    /// Finds the client's validated name if a text asks for it.
    async fn name_for(&mut self, text: &MacroString, domain: &Name) -> Option<Name> {
        if !text.uses(MacroLetter::ValidatedName) {
            return None;
        }
        self.validated_name(domain, Asker::Uncounted).await.ok().flatten()
    }

    fn values<'v>(&'v self, domain: &'v Name, validated_name: Option<&'v Name>) -> Values<'v> {
        Values::new(self.request, Some(domain), validated_name)
    }
}

/// Returns the text of the only TXT record. §6.2: several are as good as none, and so is text beyond ASCII.
fn single_text(records: &[Rdata]) -> Option<&str> {
    let mut texts = records.iter().filter_map(|record| match record {
        Rdata::Txt(text) => Some(text),
        _ => None,
    });
    let text = texts.next()?;
    if texts.next().is_some() || !text.is_ascii() { None } else { str::from_utf8(text).ok() }
}

/// Lets an expanded explanation through if an SMTP reply can carry it: §6.2 limits it to ASCII, and macros may
/// bring in what the text itself could not hold. An empty one explains nothing.
fn sanitized(expanded: Vec<u8>) -> Option<String> {
    let printable = expanded.iter().all(|byte| matches!(byte, b' '..=b'~'));
    let fits = !expanded.is_empty() && expanded.len() <= EXPLANATION_BYTES_MAX;
    if printable && fits { String::from_utf8(expanded).ok() } else { None }
}
