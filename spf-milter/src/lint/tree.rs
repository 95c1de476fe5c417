//! The tree of `include` and `redirect`: how many lookups the record costs, and which of them find nothing.

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;

use spf::{
    AnswerKind, Failure, Lookup, MX_NAMES_MAX, Mechanism, Modifier, Name, Question, Rdata, Record, RecordType,
    TERM_LOOKUPS_MAX, Term, VOID_LOOKUPS_MAX, is_spf_record,
};

use super::finding::{LOOKUP_FAILED, Report, Severity, Text, TreeLine};
use super::syntax::whole;
use super::{networks, syntax, terms};

/// Looks at a record and at all that it includes. Of a record that belongs to nobody (`domain_known` false) the terms
/// without a domain of their own cannot be looked up.
pub(crate) async fn lint_record(
    report: &mut Report,
    domain: &Name,
    domain_known: bool,
    record: &[u8],
    dns: &impl Lookup,
) {
    let text = Text::new(domain, record);
    let Some(record) = syntax::read(report, &text, record) else {
        return;
    };
    terms::lint(report, &text, &record, false);
    networks::lint(report, &text, &record);
    let mut walk = Walk { report, dns, domain_known, path: Vec::new(), lookups: 0 };
    walk.record(domain, &text, &record).await;
    let lookups = walk.lookups;
    report.lookups = lookups;
    lint_totals(report, &text);
}

/// What a domain publishes.
pub(super) enum Published {
    /// Exactly one record.
    One(Arc<[u8]>),
    /// TXT records, none of them SPF; or nothing at all.
    None(Vec<Arc<[u8]>>),
    /// More than one, which is an error (RFC 7208 section 4.5).
    Several(Vec<Arc<[u8]>>),
    /// The name does not exist.
    NoSuchName,
    /// It could not be found out.
    Failed(Failure),
}

/// Asks for the record of a domain.
pub(super) async fn published(domain: &Name, dns: &impl Lookup) -> Published {
    let records = match dns.lookup(Question::new(domain.clone(), RecordType::Txt)).await.kind {
        AnswerKind::Records(records) => records,
        AnswerKind::NoData => return Published::None(Vec::new()),
        AnswerKind::NxDomain => return Published::NoSuchName,
        AnswerKind::Failed(failure) => return Published::Failed(failure),
    };
    let texts = records.iter().filter_map(|record| match record {
        Rdata::Txt(text) => Some(Arc::clone(text)),
        _ => None,
    });
    let (mut spf, others): (Vec<_>, Vec<_>) = texts.partition(|text| is_spf_record(text));
    match spf.len() {
        0 => Published::None(others),
        1 => Published::One(spf.remove(0)),
        _ => Published::Several(spf),
    }
}

struct Walk<'a, L> {
    report: &'a mut Report,
    dns: &'a L,
    domain_known: bool,
    /// The domains from the outermost record to the current one.
    path: Vec<Name>,
    lookups: u32,
}

/// A term, and where it stands.
struct Place<'a> {
    text: &'a Arc<Text>,
    span: Range<usize>,
    term: &'a str,
}

impl<L: Lookup> Walk<'_, L> {
    /// Looks at the terms of one record.
    fn record<'b>(
        &'b mut self,
        domain: &'b Name,
        text: &'b Arc<Text>,
        record: &'b Record,
    ) -> Pin<Box<dyn Future<Output = ()> + 'b>> {
        Box::pin(async move {
            let (line, before) = (self.report.tree.len(), self.lookups);
            let depth = self.path.len();
            self.report.tree.push(TreeLine { depth, domain: domain.clone(), lookups: 0, lookups_below: 0 });
            self.path.push(domain.clone());
            let mut own = 0;
            // What stands behind `all` is never evaluated.
            let reached = record.terms().iter().position(is_all).unwrap_or(usize::MAX);
            for (index, term) in record.terms().iter().enumerate().filter(|(index, _)| *index < reached) {
                if self.lookups >= LOOKUPS_FOLLOWED || !counts(record, term) {
                    continue;
                }
                own += 1;
                self.lookups += 1;
                let span = record.term_span(index).unwrap_or_default();
                self.term(domain, term, &Place { text, span, term: record.term_text(index) }).await;
            }
            self.path.pop();
            let line = &mut self.report.tree[line];
            (line.lookups, line.lookups_below) = (own, self.lookups - before);
        })
    }

    async fn term(&mut self, domain: &Name, term: &Term, place: &Place<'_>) {
        let (spec, kind) = match term {
            Term::Directive(directive) => match &directive.mechanism {
                Mechanism::Include(target) => return self.nested(Some(target), "include", place).await,
                Mechanism::Ptr(_) | Mechanism::All | Mechanism::Ip4 { .. } | Mechanism::Ip6 { .. } => return,
                mechanism => (mechanism.domain_spec(), mechanism.name()),
            },
            Term::Modifier(Modifier::Redirect(target)) => return self.nested(Some(target), "redirect", place).await,
            Term::Modifier(_) => return,
        };
        let target = match spec {
            None if !self.domain_known && self.path.len() == 1 => return,
            None => domain.clone(),
            Some(spec) if spec.is_literal() => match Name::parse_left_cut(spec.to_string()) {
                Ok(name) => name,
                Err(_) => return,
            },
            // What macros stand for is known with a message only.
            Some(_) => return,
        };
        match kind {
            "mx" => self.mx(target, place).await,
            "exists" => self.hosts(&[target], &[RecordType::A], place).await,
            _ => self.hosts(&[target], &[RecordType::A, RecordType::Aaaa], place).await,
        }
    }

    /// Follows `include` or `redirect`.
    async fn nested(&mut self, target: Option<&spf::MacroString>, kind: &str, place: &Place<'_>) {
        let literal = target.filter(|target| target.is_literal());
        let Some(Ok(domain)) = literal.map(|target| Name::parse_left_cut(target.to_string())) else {
            return;
        };
        if self.path.contains(&domain) {
            let what = format!("this {kind} leads back to {domain}: receivers go round until the limit of lookups");
            return self.error("loop", place, what, "remove it");
        }
        match published(&domain, self.dns).await {
            Published::One(record) => {
                let text = Text::new(&domain, &record);
                let mut inner = Report::default();
                if let Some(record) = syntax::read(&mut inner, &text, &record) {
                    terms::lint(&mut inner, &text, &record, true);
                    self.record(&domain, &text, &record).await;
                }
                // The record belongs to somebody else: only what breaks this one is of interest.
                let errors = inner.findings.into_iter().filter(|finding| finding.severity == Severity::Error);
                errors.for_each(|finding| self.report.push(finding));
            }
            Published::Several(records) => {
                let what = format!("{domain} has {} SPF records: receivers answer `permerror`", records.len());
                self.error(
                    "nested-several-records",
                    place,
                    what,
                    "tell the owner of that domain, or list its networks",
                );
            }
            Published::None(_) | Published::NoSuchName => {
                let what =
                    format!("{domain} has no SPF record: receivers answer `permerror` (RFC 7208 section 5.2, 6.1)");
                self.error("nested-without-record", place, what, "correct the domain, or remove the term");
            }
            Published::Failed(failure) => self.failed(&format!("{domain} TXT"), &failure, place),
        }
    }

    async fn mx(&mut self, domain: Name, place: &Place<'_>) {
        let question = Question::new(domain, RecordType::Mx);
        let shown = question.to_string();
        let hosts: Vec<Name> = match self.dns.lookup(question).await.kind {
            AnswerKind::Records(records) => records.iter().filter_map(exchange).collect(),
            AnswerKind::Failed(failure) => return self.failed(&shown, &failure, place),
            AnswerKind::NoData | AnswerKind::NxDomain => return self.void(&shown, true, true, place),
        };
        if hosts.len() > MX_NAMES_MAX {
            let what = format!("{} mail exchangers: receivers answer `permerror` above {MX_NAMES_MAX}", hosts.len());
            return self.error("mx-limit", place, what, "list the networks with ip4 and ip6");
        }
        self.hosts(&hosts, &[RecordType::A, RecordType::Aaaa], place).await;
    }

    /// Asks for the addresses of hosts; the first of a family that has none counts.
    async fn hosts(&mut self, hosts: &[Name], types: &[RecordType], place: &Place<'_>) {
        let mut voids = [None, None];
        for host in hosts {
            for (slot, rtype) in voids.iter_mut().zip(types) {
                let question = Question::new(host.clone(), *rtype);
                let shown = question.to_string();
                match self.dns.lookup(question).await.kind {
                    AnswerKind::Records(_) => {}
                    AnswerKind::NoData | AnswerKind::NxDomain => {
                        slot.get_or_insert(shown);
                    }
                    AnswerKind::Failed(failure) => return self.failed(&shown, &failure, place),
                }
            }
        }
        let [ipv4, ipv6] = voids;
        // `exists` asks for A records whatever the client is.
        let both = types.len() == 1 && ipv4.is_some();
        if let Some(question) = ipv4.as_ref().or(ipv6.as_ref()) {
            self.void(question, ipv4.is_some(), ipv6.is_some() || both, place);
        }
    }

    fn void(&mut self, question: &str, ipv4: bool, ipv6: bool, place: &Place<'_>) {
        let entry = format!("{} ({question})", place.term);
        if ipv4 {
            self.report.voids_ipv4.push(entry.clone());
        }
        if ipv6 {
            self.report.voids_ipv6.push(entry);
        }
        let (severity, code, clients) = match (ipv4, ipv6) {
            (true, true) => (Severity::Warning, "void", "any client"),
            (true, false) => (Severity::Advice, "void-ipv4", "IPv4 clients"),
            _ => (Severity::Advice, "void-ipv6", "IPv6 clients"),
        };
        let what = format!("this finds nothing for {clients}: {question} is void");
        let advice = format!("more than {VOID_LOOKUPS_MAX} void lookups are `permerror` (RFC 7208 section 4.6.4)");
        self.report.at(severity, code, (place.text, place.span.clone()), what, advice);
    }

    fn error(&mut self, code: &'static str, place: &Place<'_>, what: String, advice: &str) {
        self.report.at(Severity::Error, code, (place.text, place.span.clone()), what, advice);
    }

    fn failed(&mut self, question: &str, failure: &Failure, place: &Place<'_>) {
        self.report.incomplete = true;
        let what = format!("the lookup of {question} failed: {failure}");
        let advice = "this report is not complete; try again, and mend the name server if it stays so";
        self.report.at(Severity::Warning, LOOKUP_FAILED, (place.text, place.span.clone()), what, advice);
    }
}

/// Whether a term counts against the limit (RFC 7208 section 4.6.4).
fn counts(record: &Record, term: &Term) -> bool {
    match term {
        Term::Directive(directive) => directive.mechanism.causes_lookups(),
        Term::Modifier(Modifier::Redirect(_)) => !record.terms().iter().any(is_all),
        Term::Modifier(_) => false,
    }
}

fn is_all(term: &Term) -> bool {
    matches!(term, Term::Directive(directive) if directive.mechanism == Mechanism::All)
}

fn exchange(record: &Rdata) -> Option<Name> {
    match record {
        // RFC 7505: the root means that there is none.
        Rdata::Mx { exchange, .. } if !exchange.is_root() => Some(exchange.clone()),
        _ => None,
    }
}

fn lint_totals(report: &mut Report, text: &Arc<Text>) {
    let place = || (text, whole(text));
    let lookups = report.lookups;
    let advice = "replace include, a and mx by the networks they stand for, or drop senders that are not used";
    if lookups > TERM_LOOKUPS_MAX {
        let what = format!("{lookups} terms cause lookups: receivers answer `permerror` above {TERM_LOOKUPS_MAX}");
        report.at(Severity::Error, "lookup-limit", place(), what, advice);
    } else if lookups + LOOKUPS_SPARE > TERM_LOOKUPS_MAX {
        let what = format!("{lookups} of {TERM_LOOKUPS_MAX} lookups are used up");
        report.at(Severity::Advice, "many-lookups", place(), what, advice);
    }
    for (family, voids) in [("IPv4", report.voids_ipv4.clone()), ("IPv6", report.voids_ipv6.clone())] {
        if voids.len() > VOID_LOOKUPS_MAX as usize {
            let what = format!("up to {} lookups are void for {family} clients: {}", voids.len(), voids.join(", "));
            let advice = format!("receivers answer `permerror` above {VOID_LOOKUPS_MAX}");
            report.at(Severity::Error, "void-limit", place(), what, advice);
        }
    }
}

/// Lookups left over at which advice begins.
const LOOKUPS_SPARE: u32 = 3;

/// Terms followed at most: a hostile tree must not keep the tool busy.
const LOOKUPS_FOLLOWED: u32 = 100;
