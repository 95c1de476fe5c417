//! What a filter wants, and what comes of it once the MTA made its offer.

use std::collections::BTreeMap;

use crate::limits::{PAYLOAD_MAX_1M, PAYLOAD_MAX_256K};
use crate::{Actions, MacroStage, Negotiate, NegotiateError, Protocol, wire::VERSION_MIN};

/// What a filter wants of the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterOptions {
    /// The newest protocol version it speaks: 2, 3, 4 or 6.
    pub version_max: u32,
    /// What it may do to messages. An MTA that does not offer all of it is hung up on.
    pub actions: Actions,
    /// The events it does without, those it does not answer, and what else it wants.
    ///
    /// What an older MTA does not offer is done without where that is possible: see
    /// [`FilterSession`](super::FilterSession).
    pub protocol: Protocol,
    /// The macros it wants at a stage: names with spaces between them, as in `i {auth_authen}`. A list replaces the
    /// MTA's own.
    ///
    /// sendmail looks at the list of `Eoh` to decide about that of `Eom`: who sets one sets both.
    #[doc(alias = "smfi_setsymlist")]
    pub symlists: BTreeMap<MacroStage, String>,
    /// The largest packets it agrees to where the MTA offers larger ones than 64 KB: an event is held in memory whole.
    pub payload_max: usize,
}

impl Default for FilterOptions {
    /// Version 6, all events, no actions, the MTA's own macro lists, packets of up to 1 MB.
    fn default() -> Self {
        Self {
            version_max: 6,
            actions: Actions::NONE,
            protocol: Protocol::NONE,
            symlists: BTreeMap::new(),
            payload_max: PAYLOAD_MAX_1M,
        }
    }
}

/// What both ends agree on.
#[derive(Debug, Clone, Default)]
pub(super) struct Agreement {
    /// What is answered to the MTA.
    pub(super) answer: Negotiate,
    /// Events that the filter does not answer but the MTA wants answers to.
    pub(super) faked: Protocol,
}

impl FilterOptions {
    /// Takes what it wants of an offer.
    pub(super) fn agree(&self, offer: &Negotiate) -> Result<Agreement, NegotiateError> {
        if offer.version < VERSION_MIN {
            return Err(NegotiateError::Offer { version: offer.version });
        }
        let offered_actions = if offer.actions.is_empty() { Actions::V1 } else { offer.actions };
        let offered = if offer.protocol.is_empty() { Protocol::V1 } else { offer.protocol };
        let actions = self.wanted_actions(offered_actions);
        let missing = actions.without(offered_actions);
        if !missing.is_empty() {
            return Err(NegotiateError::Actions(missing));
        }
        let wanted = self.protocol.without(Protocol::MDS_ALL);
        let missing = wanted.without(offered).without(Protocol::NR_ALL).without(DISPENSABLE);
        if !missing.is_empty() {
            return Err(NegotiateError::Protocol(missing));
        }
        let answer = Negotiate {
            version: self.version_max.min(offer.version),
            actions,
            protocol: wanted.intersection(offered) | self.largest_packets(offered),
            symlists: self.symlists_for(offered_actions),
        };
        Ok(Agreement { answer, faked: wanted.intersection(Protocol::NR_ALL).without(offered) })
    }

    /// The largest of the packet sizes that are offered and wanted.
    fn largest_packets(&self, offered: Protocol) -> Protocol {
        let sizes = [(Protocol::MDS_1M, PAYLOAD_MAX_1M), (Protocol::MDS_256K, PAYLOAD_MAX_256K)];
        let good = |(flag, bytes): &(Protocol, usize)| offered.contains(*flag) && *bytes <= self.payload_max;
        sizes.into_iter().find(good).map(|(flag, _)| flag).unwrap_or_default()
    }

    fn wanted_actions(&self, offered: Actions) -> Actions {
        if self.symlists.is_empty() {
            return self.actions;
        }
        self.actions | offered.intersection(Actions::SET_SYMLIST)
    }

    /// An MTA that does not know macro lists would not know what to do with them.
    fn symlists_for(&self, offered: Actions) -> Vec<(u32, Vec<u8>)> {
        if !offered.contains(Actions::SET_SYMLIST) {
            return Vec::new();
        }
        self.symlists.iter().map(|(stage, names)| (*stage as u32, names.clone().into_bytes())).collect()
    }
}

/// What a filter can do without: the events are ignored if they come, the rest it need not use.
const DISPENSABLE: Protocol = Protocol::from_bits(
    Protocol::NO_DATA.bits()
        | Protocol::NO_UNKNOWN.bits()
        | Protocol::SKIP.bits()
        | Protocol::RCPT_REJ.bits()
        | Protocol::HDR_LEADSPC.bits(),
);

#[cfg(test)]
mod tests {
    use super::*;

    fn agree(options: &FilterOptions, offer: &Negotiate) -> String {
        match options.agree(offer) {
            Ok(agreement) => format!("{} faked={}", agreement.answer, agreement.faked),
            Err(error) => format!("error: {error}"),
        }
    }

    fn offer(version: u32, actions: u32, protocol: u32) -> Negotiate {
        let (actions, protocol) = (Actions::from_bits(actions), Protocol::from_bits(protocol));
        Negotiate { version, actions, protocol, symlists: Vec::new() }
    }

    #[test]
    fn the_lower_version_wins() {
        let options = FilterOptions::default();
        assert_eq!(agree(&options, &Negotiate::offer(6)), "6 actions=NONE protocol=NONE faked=NONE");
        assert_eq!(agree(&options, &Negotiate::offer(2)), "2 actions=NONE protocol=NONE faked=NONE");
        assert_eq!(agree(&options, &offer(99, 0, 0)), "6 actions=NONE protocol=NONE faked=NONE");
        assert_eq!(agree(&options, &offer(1, 0, 0)), "error: protocol version 1 was offered: expected at least 2");
    }

    #[test]
    fn an_empty_offer_means_the_first_version_of_everything() {
        let options =
            FilterOptions { actions: Actions::ADD_HEADERS, protocol: Protocol::NO_HELO, ..FilterOptions::default() };
        assert_eq!(agree(&options, &offer(2, 0, 0)), "2 actions=ADD_HEADERS protocol=NO_HELO faked=NONE");
        let options = FilterOptions { actions: Actions::QUARANTINE, ..options };
        assert_eq!(agree(&options, &offer(2, 0, 0)), "error: actions QUARANTINE were not offered");
    }

    #[test]
    fn replies_that_an_old_mta_wants_are_faked() {
        let protocol = Protocol::NR_HEADER | Protocol::NR_BODY | Protocol::NO_DATA | Protocol::SKIP;
        let options = FilterOptions { protocol, ..FilterOptions::default() };
        assert_eq!(agree(&options, &offer(4, 0x1ff, 0xff)), "4 actions=NONE protocol=NR_HEADER faked=NR_BODY");
        let options = FilterOptions { protocol: Protocol::NO_EOH, ..options };
        assert_eq!(agree(&options, &offer(2, 0, 0x3f)), "error: protocol steps NO_EOH were not offered");
    }

    #[test]
    fn macro_lists_go_to_those_who_know_them() {
        let symlists = BTreeMap::from([(MacroStage::Eom, "i".to_owned()), (MacroStage::Helo, String::new())]);
        let options = FilterOptions { symlists, ..FilterOptions::default() };
        assert_eq!(
            agree(&options, &Negotiate::offer(6)),
            "6 actions=SET_SYMLIST protocol=NONE helo=\"\" eom=\"i\" faked=NONE"
        );
        assert_eq!(agree(&options, &offer(6, 0x3f, 0)), "6 actions=NONE protocol=NONE faked=NONE");
    }

    #[test]
    fn the_larger_packet_size_is_taken_unless_that_is_too_large() {
        let agreed = |payload_max| {
            let options = FilterOptions { payload_max, ..FilterOptions::default() };
            agree(&options, &offer(6, 0x1ff, 0x301f_ffff))
        };
        assert_eq!(agreed(PAYLOAD_MAX_1M), "6 actions=NONE protocol=MDS_1M faked=NONE");
        assert_eq!(agreed(PAYLOAD_MAX_256K), "6 actions=NONE protocol=MDS_256K faked=NONE");
        assert_eq!(agreed(crate::limits::PAYLOAD_MAX), "6 actions=NONE protocol=NONE faked=NONE");
    }
}
