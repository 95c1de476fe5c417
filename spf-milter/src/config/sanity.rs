//! Keys that are right each by itself and cannot work together.

use std::fmt;

use milter::ListenAddr;
use spf::SpfResult;
use toml::de::DeTable;

use super::model::{BUDGET_DEFAULT, Config, DnsConfig, Outage};
use super::table::{Found, TableReader};
use crate::diagnostic::{Problem, Problems};
use crate::exempt::{Authenticated, TlsClients};
use crate::policy::{LeaveToDmarc, Rule, Stage};

/// Notes each combination that cannot work, at the place of one of its keys.
pub(super) fn check(reader: &TableReader<'_>, config: &Config) {
    for (place, what, hint) in findings(config) {
        if let Some(place) = place.iter().find_map(|path| reader.place_of(path)) {
            reader.problem(Problem::new(place, what).hint(hint));
        }
    }
}

fn findings(config: &Config) -> impl Iterator<Item = Finding> {
    let findings =
        [early_stage(config), dmarc(config), unchecked_helo(config), open_door(config), socket(config), stage(config)];
    findings.into_iter().chain(dns(config)).flatten()
}

/// The keys that may be at fault, what is wrong, how to mend it.
type Finding = (&'static [&'static str], &'static str, &'static str);

/// What is not known yet when a client is refused at HELO or MAIL.
fn early_stage(config: &Config) -> Option<Finding> {
    const REFUSE_AT: &[&str] = &["refuse_at"];
    let (policy, exempt) = (&config.policy, &config.exempt);
    if policy.stage < Stage::Rcpt && !exempt.recipients.is_empty() {
        let what = "recipients cannot be exempt where the client is refused before it names them";
        return Some((&["exempt.recipients"], what, "set refuse_at = \"rcpt\" or \"eom\""));
    }
    if policy.stage != Stage::Helo {
        return None;
    }
    let unusable = [&policy.helo_unusable.literal, &policy.helo_unusable.not_fqdn];
    if policy.helo.is_none() && unusable.iter().all(|rule| rule.as_ref().is_none_or(Rule::is_lenient)) {
        let what = "nothing is refused at HELO: no rule is about HELO names";
        return Some((REFUSE_AT, what, "write rules into [policy.helo], or set refuse_at = \"mail\""));
    }
    if exempt.authenticated != Authenticated::No {
        let what = "a client authenticates itself after HELO, too late to be exempt from a refusal there";
        return Some((REFUSE_AT, what, "set exempt.authenticated = false, or refuse_at = \"mail\""));
    }
    if exempt.tls != TlsClients::No {
        let what = "a client shows its certificate after the first HELO, too late to be exempt from a refusal there";
        return Some((&["exempt.tls_verified"], what, "set refuse_at = \"mail\""));
    }
    None
}

/// What DMARC needs.
fn dmarc(config: &Config) -> Option<Finding> {
    let headers = &config.headers;
    let silent = headers.received_spf.is_none() && headers.authentication_results.is_none();
    if config.policy.dmarc == LeaveToDmarc::Never || !silent {
        return None;
    }
    let what = "a DMARC filter reads the result in the header, and no field is written";
    Some((&["leave_to_dmarc"], what, "set authentication_results.add = true"))
}

/// What needs the result for the HELO name.
fn unchecked_helo(config: &Config) -> Option<Finding> {
    if config.check_helo {
        return None;
    }
    let hint = "set helo.check = true";
    if config.policy.helo.is_some() {
        return Some((&["policy.helo"], "rules for HELO names mean nothing where they are not checked", hint));
    }
    if !config.exempt.forwarders.is_empty() {
        return Some((&["exempt.forwarders"], "a forwarder is believed by its HELO name, which is not checked", hint));
    }
    let both = config.headers.received_spf.is_some_and(|style| style.helo);
    both.then_some((&["received_spf.helo"], "there is no result for HELO names: they are not checked", hint))
}

/// HELO results with which mail goes through unseen.
fn open_door(config: &Config) -> Option<Finding> {
    let policy = &config.policy;
    let lets_through = |result: SpfResult| policy.helo.as_ref().is_none_or(|rules| rules.get(result).is_lenient());
    let open = policy.helo_definitive.iter().any(|&result| result != SpfResult::Pass && lets_through(result));
    let what = "with a HELO name of such a result the sender is not looked at, and the mail goes through";
    let hint = "clients choose their HELO names: refuse the result in [policy.helo], or take it out of this list";
    open.then_some((&["helo.definitive"], what, hint))
}

/// What needs a socket that has a file.
fn socket(config: &Config) -> Option<Finding> {
    let is_unix = |address: &ListenAddr| matches!(address, ListenAddr::Unix(_));
    let metrics = config.service.metrics.as_ref();
    if !is_unix(&config.listen) && !metrics.is_some_and(is_unix) {
        let what = "only a unix socket has an owner and permissions, and `listen` names none";
        return Some((&["socket.mode", "socket.owner", "socket.group"], what, "use listen = \"unix:/path\""));
    }
    if metrics == Some(&config.listen) {
        return Some((&["metrics"], "MTAs connect to this address", "choose another one"));
    }
    None
}

/// A time that cannot be used up.
fn stage(config: &Config) -> Option<Finding> {
    let stage = config.service.limits.stage?;
    let what = "a command ends before the DNS has had its time, dns.budget_ms";
    (stage <= config.dns.budget).then_some((&["limits.stage_ms"], what, "make it more than dns.budget_ms"))
}

/// Times and bounds of the DNS.
fn dns(config: &Config) -> [Option<Finding>; 5] {
    let (dns, options) = (&config.dns, &config.dns.options);
    let cache = &options.cache;
    let find = |wrong: bool, places: &'static [&'static str], what, hint| wrong.then_some((places, what, hint));
    [
        find(
            options.timeout > dns.budget,
            &["dns.timeout_ms", "dns.budget_ms"],
            "one try would take longer than all of them may",
            "set timeout_ms to a quarter of budget_ms or less",
        ),
        find(
            dns.mta_timeout.is_some_and(|mta| mta <= dns.budget),
            &["dns.mta_timeout_s"],
            "the MTA would give this filter up before the DNS is given up",
            "set budget_ms two seconds below what the MTA waits",
        ),
        find(
            cache.ttl_min > cache.ttl_max,
            &["dns.cache.ttl_min_s", "dns.cache.ttl_max_s"],
            "the shortest time is longer than the longest",
            "set ttl_min_s below ttl_max_s",
        ),
        find(
            cache.negative_ttl_min > cache.negative_ttl_max,
            &["dns.cache.negative_ttl_min_s", "dns.cache.negative_ttl_max_s"],
            "the shortest time is longer than the longest",
            "set negative_ttl_min_s below negative_ttl_max_s",
        ),
        find(
            dns.outage == Outage::Accept && options.failures_max == 0,
            &["dns.outage"],
            "with failures_max = 0 it is never noticed that no name server answers",
            "set failures_max = 3",
        ),
    ]
}

/// What works and may not be meant so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Warning {
    /// The keys that it is about.
    places: &'static [&'static str],
    what: String,
    hint: &'static str,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.hint)
    }
}

impl Config {
    /// What works and may not be meant so, for the log.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let DnsConfig { resolvers, options, budget, mta_timeout, .. } = &self.dns;
        let ms = budget.as_millis();
        let late = (*budget > BUDGET_DEFAULT && mta_timeout.is_none()).then(|| Warning {
            places: &["dns.budget_ms"],
            what: format!(
                "dns.budget_ms is {ms}: a stock sendmail gives a filter up that takes over 10 s to answer MAIL or RCPT"
            ),
            hint: "say with dns.mta_timeout_s how long yours waits (R: in sendmail's T=, milter_command_timeout in Postfix)",
        });
        let round = options.timeout * u32::try_from(resolvers.len()).unwrap_or(u32::MAX);
        let unasked = (round > *budget).then(|| Warning {
            places: &["dns.timeout_ms", "dns.budget_ms", "resolver"],
            what: format!(
                "dns.timeout_ms for each of {} name servers is more than dns.budget_ms, {ms}: where the first are silent \
                 the last is never asked",
                resolvers.len()
            ),
            hint: "set dns.timeout_ms lower",
        });
        late.into_iter().chain(unasked).collect()
    }

    /// The same as [`warnings`](Self::warnings), drawn at their places in the file `path` with this text; none if there
    /// are none.
    pub(crate) fn warnings_in(&self, path: &str, text: &str) -> Option<Problems> {
        let table = DeTable::parse(text).ok()?;
        let found = Found::default();
        let reader = TableReader::new(text, table.get_ref(), &found);
        let place = |places: &[&str]| places.iter().find_map(|path| reader.place_of(path)).unwrap_or_default();
        let warnings = self.warnings().into_iter();
        let list: Vec<_> =
            warnings.map(|warning| Problem::new(place(warning.places), warning.what).hint(warning.hint)).collect();
        (!list.is_empty()).then(|| Problems::new(path, text, list).into_warnings())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> String {
        Config::parse("spf-milter.toml", text).err().unwrap_or_else(|| panic!("accepted: {text}")).to_string()
    }

    /// Each file is right key by key; the drawing is what an administrator sees.
    #[test]
    fn what_cannot_work_together_is_refused() {
        let files = [
            "refuse_at = \"helo\"",
            "refuse_at = \"helo\"\npolicy.helo = {}",
            "refuse_at = \"helo\"\npolicy.helo = {}\nexempt = { authenticated = false, tls_verified = true }",
            "refuse_at = \"mail\"\nexempt.recipients = [\"postmaster@\"]",
            "refuse_at = \"mail\"\nreject_text = \"no %{rcpt} here\"",
            "refuse_at = \"mail\"\npolicy.softfail = { action = \"reject\", text = \"no %{RCPT} here\" }",
            "reject_text = \"see %{why}\"",
            "why_link = \"https://example.com/%{why}\"",
            "leave_to_dmarc = \"always\"\nreceived_spf.add = false",
            "helo = { check = false, definitive = [\"pass\"] }",
            "helo.definitive = [\"pass\", \"softfail\"]",
            "helo.check = false\npolicy.helo.fail = \"reject\"",
            "helo.check = false\nexempt.forwarders = [\"forwarder.example\"]",
            "helo.check = false\nreceived_spf.helo = true",
            "received_spf = { add = false, keys = false }",
            "received_spf.comment = \"for %{rcpt}\"",
            "received_spf = { keys = false, evidence = true }",
            "authentication_results = { address = \"full\" }",
            "listen = \"inet:8891@127.0.0.1\"\nsocket.mode = \"600\"",
            "metrics = \"/run/x\"\nlisten = \"unix:/run/x\"",
            "limits.stage_ms = 8_000",
            "log = { target = \"journald\", format = \"json\" }",
            "log = { target = \"syslog\", format = \"systemd\" }",
            "exempt = { networks = [\"192.0.2.0/24\"], relays = [\"192.0.2.25\"] }",
            "dns = { timeout_ms = 3_000, budget_ms = 2_000 }",
            "dns.timeout_ms = 10_000",
            "dns = { budget_ms = 20_000, mta_timeout_s = 10 }",
            "dns.cache.ttl_min_s = 86_400\ndns.cache.ttl_max_s = 60",
            "dns.cache.negative_ttl_max_s = 0\ndns.cache.negative_ttl_min_s = 60",
            "dns = { outage = \"accept\", failures_max = 0 }",
        ];
        let drawn: Vec<_> = files.iter().map(|text| problems(text)).collect();
        insta::assert_snapshot!(drawn.join("\n\n"));
    }

    #[test]
    fn what_can_work_together_is_taken() {
        for text in [
            "refuse_at = \"helo\"\npolicy.helo = {}\nexempt.authenticated = false",
            "refuse_at = \"helo\"\nhelo.literal = \"reject\"\nexempt.authenticated = false",
            "refuse_at = \"eom\"\nexempt.recipients = [\"postmaster@\"]\nreject_text = \"no %{rcpt}\"",
            "helo.definitive = [\"pass\", \"fail\"]\npolicy.helo = {}",
            "why_link = \"https://example.com/?%{S}\"\nreject_text = \"see %{why}\"",
            "leave_to_dmarc = \"always\"\nreceived_spf.add = false\nauthentication_results.add = true",
            "metrics = \"[::1]:9742\"\nsocket.mode = \"0o666\"",
            "listen = \"inet:8891\"\nmetrics = \"unix:/run/x\"\nsocket.mode = \"666\"",
            "limits = { stage_ms = 8_001, over = \"accept\" }\nlog = { target = \"syslog\", format = \"json\" }",
            "process = { user = \"0\", group = \"root\", pid_file = \"/run/x.pid\", landlock = false }",
            "authentication_results = { forged = \"remove\", authserv_id = \"mx.example.com\" }",
            "dns = { budget_ms = 20_000, mta_timeout_s = 480 }",
            "dns.budget_ms = 500",
            "dns = { outage = \"wait\", failures_max = 0 }",
        ] {
            let config = Config::parse("x", text).unwrap_or_else(|problems| panic!("{problems}"));
            assert!(config.warnings().is_empty(), "{text}");
        }
    }

    fn warnings(text: &str) -> String {
        let config = Config::parse("x", text).unwrap_or_else(|problems| panic!("{problems}"));
        let drawn = config.warnings_in("spf-milter.toml", text).map_or_else(String::new, |drawn| drawn.to_string());
        let logged: Vec<_> = config.warnings().iter().map(ToString::to_string).collect();
        [drawn, logged.join("\n")].join("\n").trim().to_owned()
    }

    /// What is taken, with a word of warning, in the log and in the drawing of `config-check`.
    #[test]
    fn a_budget_that_a_stock_sendmail_does_not_wait_for_is_warned_of() {
        assert_eq!(warnings("dns.budget_ms = 8_000"), "");
        insta::assert_snapshot!(warnings("# ours\n[dns]\nbudget_ms = 8_001"));
    }

    #[test]
    fn a_server_that_is_never_asked_is_warned_of() {
        let servers = "resolver = [\"192.0.2.1\", \"192.0.2.2\", \"192.0.2.3\"]\n";
        assert_eq!(warnings(&format!("{servers}dns.budget_ms = 6_000")), "");
        insta::assert_snapshot!(warnings(&format!("{servers}dns.budget_ms = 5_999")));
        let five = "resolver = [\"192.0.2.1\", \"192.0.2.2\", \"192.0.2.3\", \"192.0.2.4\", \"192.0.2.5\"]";
        assert!(warnings(five).contains("spf-milter.toml:1:12"), "{}", warnings(five));
    }
}
