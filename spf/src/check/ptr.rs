use std::net::IpAddr;

use super::address::reverse_name;
use super::evaluation::{Asker, Evaluation, Stop};
use crate::dns::{AnswerKind, Lookup, Rdata, RecordType};
use crate::name::Name;

impl<L: Lookup> Evaluation<'_, L> {
    /// §5.5: whether a validated name of the client is the target or lies below it.
    pub(super) async fn ptr(&mut self, target: &Name) -> Result<bool, Stop> {
        let names = self.client_names(Asker::Term).await?;
        // Names elsewhere could not match, so their addresses are not asked for.
        for name in names.iter().filter(|name| name.is_within(target)) {
            if self.is_validated(name, Asker::Term).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Finds the name for `%{p}` (§7.3): the domain itself, else one below it, else any validated one.
    pub(super) async fn validated_name(&mut self, domain: &Name, asker: Asker) -> Result<Option<Name>, Stop> {
        let mut names = self.client_names(asker).await?;
        // Asked in the order of preference, so that the first validated name is the one.
        names.sort_by_key(|name| (name != domain, !name.is_within(domain)));
        for name in names {
            if self.is_validated(&name, asker).await? {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// Asks for the names of the client. §5.5: a failed lookup finds none; names beyond the limit are ignored.
    async fn client_names(&mut self, asker: Asker) -> Result<Vec<Name>, Stop> {
        let Ok(reverse) = reverse_name(self.request.ip()) else {
            return Ok(Vec::new());
        };
        let AnswerKind::Records(records) = self.ask(&reverse, RecordType::Ptr, asker).await? else {
            return Ok(Vec::new());
        };
        let names = records.iter().filter_map(|record| match record {
            Rdata::Ptr(name) => Some(name.clone()),
            _ => None,
        });
        Ok(names.take(self.request.limits().ptr_names).filter(|name| !name.is_root()).collect())
    }

    /// Whether a name has the client's address. §5.5: a failed lookup skips the name.
    async fn is_validated(&mut self, name: &Name, asker: Asker) -> Result<bool, Stop> {
        let AnswerKind::Records(records) = self.ask(name, self.address_rtype(), asker).await? else {
            return Ok(false);
        };
        Ok(records.iter().any(|record| match record {
            Rdata::A(address) => IpAddr::V4(*address) == self.request.ip(),
            Rdata::Aaaa(address) => IpAddr::V6(*address) == self.request.ip(),
            _ => false,
        }))
    }
}
