//! The first packets on the connection to a filter.

use milter_proto::{Command, Negotiate};

use super::{
    filter::{Filter, State},
    log,
    release::Release,
};
use crate::{
    journal::Channel,
    link::{BadLength, Link, LinkError},
    profile::{Host, printable},
};

impl Filter {
    /// Connects and negotiates.
    pub(super) async fn open(&mut self, host: &Host, release: &Release, queue_id: &str) -> bool {
        let offer = Negotiate::offer(host.settings.protocol_version.unwrap_or(release.milter_protocol));
        let channel = Channel { filter: self.number, connection: 0 };
        let (journal, limit) = (host.journal.clone(), self.settings.timeouts.connect);
        match Link::open(&*host.connector, offer.clone(), channel, journal, limit, BadLength::Believed).await {
            Ok(link) => self.link = Some(link),
            Err(error) => {
                for text in log::connect_failure(&self.settings.address, &error) {
                    self.log(host, queue_id, &text);
                }
                self.fail(host, queue_id).await;
                return false;
            }
        }
        match self.negotiate(&offer).await {
            Ok(agreed) => {
                self.agreed = agreed;
                self.state = State::Open;
                self.log(host, queue_id, ": init success to negotiate");
                true
            }
            Err(failure) => {
                self.log_negotiation_failure(host, queue_id, failure);
                // The connection is given up twice, and both times that is written down.
                self.fail(host, queue_id).await;
                self.log(host, queue_id, ": init failed to open");
                self.fail(host, queue_id).await;
                false
            }
        }
    }

    /// Sends the offer and judges the answer as sendmail does.
    async fn negotiate(&mut self, offer: &Negotiate) -> Result<Negotiate, NegotiationFailure> {
        let (limit, Some(link)) = (self.settings.timeouts.command, self.link.as_mut()) else {
            return Err(NegotiationFailure::Answer("no connection".to_owned()));
        };
        link.queue(&Command::Negotiate(offer.clone()))?;
        link.flush(limit).await?;
        let received = link.receive(limit).await?;
        let frame = &received.frame;
        let refuse = |text: &str| Err(NegotiationFailure::Answer(text.to_owned()));
        if frame.code != b'O' {
            return refuse(&format!("returned {} instead of O", printable(&[frame.code])));
        }
        if frame.payload.is_empty() {
            return refuse("did not return valid info");
        }
        if frame.payload.len() < 12 {
            return refuse("did not return enough info");
        }
        let agreed = Negotiate::parse_lenient(&frame.payload);
        check_negotiation(&agreed, offer).map_err(NegotiationFailure::Answer)?;
        link.agree(agreed.clone());
        Ok(agreed)
    }

    fn log_negotiation_failure(&self, host: &Host, queue_id: &str, failure: NegotiationFailure) {
        match failure {
            NegotiationFailure::Answer(text) => self.log(host, queue_id, &format!(": negotiate: {text}")),
            NegotiationFailure::Link(error) => {
                let line = log::read_failure(&self.settings.name, "negotiate", &error);
                host.log(log::PROGRAM, Some(queue_id), &line);
            }
        }
    }
}

/// Why there is no agreement.
enum NegotiationFailure {
    /// The answer is none that sendmail can work with; the log text.
    Answer(String),
    /// There was no answer.
    Link(LinkError),
}

impl From<LinkError> for NegotiationFailure {
    fn from(error: LinkError) -> Self {
        Self::Link(error)
    }
}

/// A version that the library could not have, an action or a protocol step that was not offered: refused.
fn check_negotiation(agreed: &Negotiate, offer: &Negotiate) -> Result<(), String> {
    /// The version of the library that the filter is linked with is what sendmail compares with, not the protocol's.
    const LIBRARY_VERSION: u32 = 0x0100_0001;
    if agreed.version == 1 || agreed.version > LIBRARY_VERSION {
        return Err(format!("version {} != MTA milter version {LIBRARY_VERSION}", agreed.version));
    }
    let (actions, offered) = (agreed.actions.bits(), offer.actions.bits());
    if actions & !offered != 0 {
        return Err(format!("filter abilities 0x{actions:x} != MTA milter abilities 0x{offered:x}"));
    }
    let (protocol, offered) = (agreed.protocol.bits(), offer.protocol.bits());
    if protocol & !offered != 0 {
        return Err(format!("protocol abilities 0x{protocol:x} != MTA milter abilities 0x{offered:x}"));
    }
    Ok(())
}
