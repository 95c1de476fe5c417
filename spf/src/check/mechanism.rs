use std::net::IpAddr;
use std::sync::Arc;

use super::address::{in_network4, in_network6};
use super::domain::Scope;
use super::evaluation::{Asker, Evaluation, Stop};
use crate::dns::{AnswerKind, Lookup, Question, Rdata, RecordType};
use crate::macro_string::{MacroLetter, MacroString, Values, expand_domain};
use crate::name::{Name, NameError};
use crate::outcome::CauseKind;
use crate::record::{DualCidr, Mechanism};
use crate::result::SpfResult;

impl<L: Lookup> Evaluation<'_, L> {
    /// Whether a mechanism matches the client (§5), if that can be told without the DNS.
    pub(super) fn matches_at_once(&self, mechanism: &Mechanism) -> Option<bool> {
        match (mechanism, self.request.ip()) {
            (Mechanism::All, _) => Some(true),
            (&Mechanism::Ip4 { network, prefix_bits }, IpAddr::V4(ip)) => Some(in_network4(ip, network, prefix_bits)),
            (&Mechanism::Ip6 { network, prefix_bits }, IpAddr::V6(ip)) => Some(in_network6(ip, network, prefix_bits)),
            (Mechanism::Ip4 { .. } | Mechanism::Ip6 { .. }, _) => Some(false),
            _ => None,
        }
    }

    /// Whether a mechanism that needs the DNS matches the client (§5).
    pub(super) async fn matches(&mut self, scope: &mut Scope, mechanism: &Mechanism) -> Result<bool, Stop> {
        self.count_term()?;
        let target = match mechanism.domain_spec() {
            None => Ok(scope.domain.clone()),
            Some(spec) if self.has_unusable_local_part(spec) => return Ok(false),
            Some(spec) if spec.uses(MacroLetter::ValidatedName) => {
                let name = self.validated_name(&scope.domain, Asker::Term).await?;
                self.expand_target(scope, spec, name.as_ref())
            }
            Some(spec) => self.expand_target(scope, spec, None),
        };
        if let Mechanism::Include(_) = mechanism {
            return self.include(scope, target).await;
        }
        // §4.8: a target that is no name, such as one with a label too long, does not match.
        let Ok(target) = target else { return Ok(false) };
        match mechanism {
            Mechanism::A { cidr, .. } => self.has_address(&target, *cidr).await,
            Mechanism::Mx { cidr, .. } => self.mx(&target, *cidr).await,
            Mechanism::Ptr(_) => self.ptr(&target).await,
            Mechanism::Exists(_) => self.exists(&target).await,
            _ => Ok(false),
        }
    }

    /// Finds the domain that a term with a domain-spec is about (§4.8).
    pub(super) fn expand_target(
        &self,
        scope: &mut Scope,
        spec: &MacroString,
        validated_name: Option<&Name>,
    ) -> Result<Name, NameError> {
        let target = expand_domain(spec, &Values::new(self.request, Some(&scope.domain), validated_name));
        if self.request.wants_trace() {
            scope.target = target.as_ref().ok().cloned();
        }
        target
    }

    /// Whether a domain-spec needs a local part that no domain name can hold: RFC 8616 section 4 lets terms with
    /// `%{s}` or `%{l}` match nothing if the local part is not ASCII.
    pub(super) fn has_unusable_local_part(&self, spec: &MacroString) -> bool {
        !self.request.sender().local_part().is_ascii()
            && (spec.uses(MacroLetter::Sender) || spec.uses(MacroLetter::LocalPart))
    }

    /// §5.2.
    async fn include(&mut self, scope: &mut Scope, target: Result<Name, NameError>) -> Result<bool, Stop> {
        let result = self.nested_check(target, scope.depth + 1).await;
        scope.nested = self.trace.take();
        match result {
            SpfResult::Pass => Ok(true),
            SpfResult::Fail | SpfResult::Softfail | SpfResult::Neutral => Ok(false),
            SpfResult::None => Err(CauseKind::IncludeWithoutRecord.into()),
            SpfResult::Temperror | SpfResult::Permerror => Err(Stop::Nested),
        }
    }

    /// §5.4.
    async fn mx(&mut self, target: &Name, cidr: DualCidr) -> Result<bool, Stop> {
        let records = self.records(target, RecordType::Mx).await?;
        let exchanges = records.iter().filter_map(|record| match record {
            Rdata::Mx { exchange, .. } => Some(exchange),
            _ => None,
        });
        // §4.6.4: counted before the first address is asked for, so that the order of the answer does not matter.
        let mx_names_max = self.request.limits().mx_names;
        if exchanges.clone().count() > mx_names_max {
            return Err(CauseKind::MxLimit(mx_names_max).into());
        }
        for exchange in exchanges {
            // The root stands for "no mail here" (RFC 7505) and is not asked about.
            if !exchange.is_root() && self.has_address(exchange, cidr).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// §5.7: an A record, whatever the family of the client.
    async fn exists(&mut self, target: &Name) -> Result<bool, Stop> {
        let records = self.records(target, RecordType::A).await?;
        Ok(records.iter().any(|record| matches!(record, Rdata::A(_))))
    }

    /// §5.3: whether a host has an address in the client's network (§5: AAAA for IPv6 clients, A for others).
    async fn has_address(&mut self, host: &Name, cidr: DualCidr) -> Result<bool, Stop> {
        let records = self.records(host, self.address_rtype()).await?;
        Ok(records.iter().any(|record| match (record, self.request.ip()) {
            (Rdata::A(address), IpAddr::V4(ip)) => in_network4(ip, *address, cidr.ip4_bits),
            (Rdata::Aaaa(address), IpAddr::V6(ip)) => in_network6(ip, *address, cidr.ip6_bits),
            _ => false,
        }))
    }

    /// Returns the type of address record to ask for (§5).
    pub(super) fn address_rtype(&self) -> RecordType {
        if self.request.ip().is_ipv4() { RecordType::A } else { RecordType::Aaaa }
    }

    /// Asks for records on behalf of a term; none is no error, a failure is `temperror` (§5).
    async fn records(&mut self, name: &Name, rtype: RecordType) -> Result<Arc<[Rdata]>, Stop> {
        match self.ask(name, rtype, Asker::Term).await? {
            AnswerKind::Records(records) => Ok(records),
            AnswerKind::NoData | AnswerKind::NxDomain => Ok(Arc::default()),
            AnswerKind::Failed(failure) => {
                Err(CauseKind::Dns { question: Question::new(name.clone(), rtype), failure }.into())
            }
        }
    }
}
