//! What is shown, for each MTA.

mod balancer;
mod dmarc;
mod lines;
mod logs;
mod under_traffic;

use crate::mta::Kind;

/// Something to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// A pass is delivered with its field.
    Pass,
    /// A fail is refused at RCPT, but for the recipients that are exempt.
    Fail,
    /// A softfail is tagged.
    Softfail,
    /// Who has given a password is not judged.
    Authenticated,
    /// A relay that says who its client is: that one is judged. Postfix's alone.
    Xclient,
    /// A domain whose servers are silent is put off in our words, within stock time-outs.
    Outage,
    /// spf-milter goes and comes again while mail comes in.
    Restart,
    /// Another configuration while mail comes in, and then a broken one.
    Reload,
    /// The socket is a file, in Postfix's chroot or where sendmail trusts it.
    UnixSocket,
    /// OpenDMARC behind spf-milter goes by its result.
    Dmarc,
    /// One of two behind HAProxy dies while mail comes in.
    Balancer,
    /// One of two behind a name with two addresses dies while mail comes in.
    TwoAddresses,
    /// The log goes to a syslog daemon.
    Syslog,
    /// The log goes to the journal.
    Journal,
}

impl Case {
    /// Each case with each MTA.
    pub(crate) fn all() -> Vec<(Self, Kind)> {
        let both = |case| [(case, Kind::Sendmail), (case, Kind::Postfix)];
        let cases = [
            Self::Pass,
            Self::Fail,
            Self::Softfail,
            Self::Authenticated,
            Self::Outage,
            Self::Restart,
            Self::Reload,
            Self::UnixSocket,
            Self::Dmarc,
            Self::Balancer,
            Self::TwoAddresses,
            Self::Syslog,
            Self::Journal,
        ];
        cases.into_iter().flat_map(both).chain([(Self::Xclient, Kind::Postfix)]).collect()
    }

    /// The name of the test.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pass => "a_pass_is_delivered_with_its_field",
            Self::Fail => "a_fail_is_refused_at_rcpt",
            Self::Softfail => "a_softfail_is_tagged",
            Self::Authenticated => "an_authenticated_sender_is_exempt",
            Self::Xclient => "the_client_that_xclient_names_is_judged",
            Self::Outage => "a_dns_outage_puts_mail_off_in_our_words",
            Self::Restart => "a_restart_under_traffic_loses_nothing",
            Self::Reload => "a_reload_under_traffic_takes_effect",
            Self::UnixSocket => "a_unix_socket_is_reached",
            Self::Dmarc => "opendmarc_goes_by_our_result",
            Self::Balancer => "one_of_two_dies_under_traffic_and_nothing_is_lost",
            Self::TwoAddresses => "without_a_balancer_the_mta_goes_on_to_the_next_address",
            Self::Syslog => "its_log_reaches_rsyslogd",
            Self::Journal => "its_log_reaches_the_journal",
        }
    }

    /// Shows it, in namespaces made for it.
    ///
    /// # Errors
    /// What was not as it should be.
    pub(crate) async fn play(self, kind: Kind) -> Result<(), String> {
        match self {
            Self::Pass => lines::pass(kind).await,
            Self::Fail => lines::fail(kind).await,
            Self::Softfail => lines::softfail(kind).await,
            Self::Authenticated => lines::authenticated(kind).await,
            Self::Xclient => lines::xclient(kind).await,
            Self::Outage => lines::outage(kind).await,
            Self::Restart => under_traffic::restart(kind).await,
            Self::Reload => under_traffic::reload(kind).await,
            Self::UnixSocket => lines::unix_socket(kind).await,
            Self::Dmarc => dmarc::dmarc(kind).await,
            Self::Balancer => balancer::one_of_two_dies(kind).await,
            Self::TwoAddresses => balancer::next_address(kind).await,
            Self::Syslog => logs::syslog(kind).await,
            Self::Journal => logs::journal(kind).await,
        }
    }
}
