//! The parameters of Postfix's `main.cf` that a capture may set.

use std::{net::IpAddr, time::Duration};

use milter_proto::{MacroStage, Protocol};

use super::base::{FILTERS_MAX, filter};
use crate::settings::{FailureAction, FilterSettings, Settings};

/// Sets one parameter; nothing for one that there is no model of.
pub(super) fn set_parameter(settings: &mut Settings, key: &str, text: &str) -> Option<()> {
    let filters = |settings: &mut Settings, change: &dyn Fn(&mut FilterSettings)| {
        settings.filters.iter_mut().for_each(change);
        Some(())
    };
    match key {
        "milter_default_action" => {
            let action = action(text)?;
            filters(settings, &|filter| filter.on_failure = action)
        }
        "milter_connect_timeout" => {
            let time = time(text)?;
            filters(settings, &|filter| filter.timeouts.connect = time)
        }
        "milter_command_timeout" => {
            let time = time(text)?;
            filters(settings, &|filter| filter.timeouts.command = time)
        }
        "milter_content_timeout" => {
            let time = time(text)?;
            filters(settings, &|filter| filter.timeouts.content = time)
        }
        "milter_protocol" => set_protocol(settings, text),
        "milter_macro_daemon_name" => set_macro(settings, "daemon_name", text),
        "milter_macro_v" => set_macro(settings, "v", text),
        "milter_macro_defaults" => set_macro_defaults(settings, text),
        "milter_unknown_command_macros" => {
            settings.unknown_macros = words(text);
            Some(())
        }
        "smtpd_hard_error_limit" => text.parse().ok().map(|limit| settings.error_limit = Some(limit)),
        "message_size_limit" => text.parse().ok().map(|limit| settings.message_size_limit = Some(limit)),
        "smtpd_recipient_limit" => text.parse().ok().map(|limit| settings.recipient_limit = Some(limit)),
        // It makes the MTA slow, and nothing else.
        "smtpd_soft_error_limit" => text.parse::<usize>().ok().map(drop),
        "soft_bounce" => yes_no(text).map(|on| settings.soft_bounce = on),
        "always_add_missing_headers" => yes_no(text).map(|on| settings.always_adds_headers = on),
        "smtpd_banner" => expanded(settings, text).map(|text| settings.banner = Some(text)),
        "myhostname" if !text.contains('$') => {
            text.clone_into(&mut settings.hostname);
            Some(())
        }
        "non_smtpd_milters" => addresses(text).map(|filters| settings.local_filters = filters),
        "smtpd_milters" => addresses(text).map(|filters| settings.filters = filters),
        "smtpd_authorized_xclient_hosts" => hosts(text).map(|hosts| settings.xclient_hosts = hosts),
        "smtpd_authorized_xforward_hosts" => hosts(text).map(|hosts| settings.xforward_hosts = hosts),
        "relay_domains" => {
            settings.recipients.relay_domains = Some(words(text));
            Some(())
        }
        "smtpd_sasl_auth_enable" if text == "no" => {
            settings.auth_mechanisms = None;
            Some(())
        }
        "smtpd_tls_security_level" if matches!(text, "" | "none") => {
            settings.starttls = false;
            Some(())
        }
        _ => {
            let stage = macro_stage(key)?;
            settings.macro_lists.insert(stage, words(text));
            Some(())
        }
    }
}

/// `6`, `4 no_header_reply`: a version, and flags that are offered beside it.
fn set_protocol(settings: &mut Settings, text: &str) -> Option<()> {
    let all = words(text);
    let (version, flags) = all.split_first()?;
    settings.protocol_version = Some(version.parse().ok().filter(|version| matches!(version, 2 | 3 | 4 | 6))?);
    for flag in flags {
        settings.protocol_flags = settings.protocol_flags | protocol_flag(flag)?;
    }
    Some(())
}

/// The words of `milter_protocol` that name a flag.
fn protocol_flag(word: &str) -> Option<Protocol> {
    Some(match word {
        "no_connect" => Protocol::NO_CONNECT,
        "no_helo" => Protocol::NO_HELO,
        "no_mail" => Protocol::NO_MAIL,
        "no_rcpt" => Protocol::NO_RCPT,
        "no_data" => Protocol::NO_DATA,
        "no_body" => Protocol::NO_BODY,
        "no_headers" => Protocol::NO_HEADERS,
        "no_eoh" => Protocol::NO_EOH,
        "no_unknown" => Protocol::NO_UNKNOWN,
        "no_header_reply" => Protocol::NR_HEADER,
        "skip" => Protocol::SKIP,
        "rcpt_rej" => Protocol::RCPT_REJ,
        _ => return None,
    })
}

/// Gives a macro a value.
pub(super) fn set_macro(settings: &mut Settings, name: &str, value: &str) -> Option<()> {
    let value = expanded(settings, value)?;
    settings.macro_values.insert(name.to_owned(), value);
    Some(())
}

/// `{name}=value, …`.
fn set_macro_defaults(settings: &mut Settings, text: &str) -> Option<()> {
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        let name = name.trim().trim_start_matches('{').trim_end_matches('}');
        settings.macro_defaults.insert(name.to_owned(), expanded(settings, value.trim())?);
    }
    Some(())
}

/// The text with the parameters that it names; there is a model of a few.
fn expanded(settings: &Settings, text: &str) -> Option<String> {
    let known = [
        ("$mail_name", "Postfix"),
        ("$mail_version", "3.7.11"),
        ("$myhostname", &settings.hostname),
        ("$mydomain", settings.hostname.split_once('.').map_or("", |(_, domain)| domain)),
    ];
    let out = known.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value));
    (!out.contains('$')).then_some(out)
}

fn yes_no(text: &str) -> Option<bool> {
    match text {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

fn macro_stage(key: &str) -> Option<MacroStage> {
    Some(match key {
        "milter_connect_macros" => MacroStage::Connect,
        "milter_helo_macros" => MacroStage::Helo,
        "milter_mail_macros" => MacroStage::Envfrom,
        "milter_rcpt_macros" => MacroStage::Envrcpt,
        "milter_data_macros" => MacroStage::Data,
        "milter_end_of_header_macros" => MacroStage::Eoh,
        "milter_end_of_data_macros" => MacroStage::Eom,
        _ => return None,
    })
}

fn action(text: &str) -> Option<FailureAction> {
    Some(match text {
        "accept" => FailureAction::Accept,
        "reject" => FailureAction::Reject,
        "tempfail" => FailureAction::Tempfail,
        "quarantine" => FailureAction::Quarantine,
        "shutdown" => FailureAction::Shutdown,
        _ => return None,
    })
}

/// A list of filters, each `inet:…` or `{ inet:…, key=value, … }`: the captured ones, in the order of the list.
fn addresses(text: &str) -> Option<Vec<FilterSettings>> {
    let mut filters = Vec::new();
    let mut rest = text.trim_start_matches(SEPARATORS);
    while !rest.is_empty() {
        let (entry, after) = match rest.strip_prefix('{') {
            Some(inside) => inside.split_once('}')?,
            None => rest.split_once(SEPARATORS).unwrap_or((rest, "")),
        };
        filters.push(filter_entry(entry, filters.len())?);
        rest = after.trim_start_matches(SEPARATORS);
    }
    Some(filters)
}

fn filter_entry(entry: &str, number: usize) -> Option<FilterSettings> {
    let all = words(entry);
    let (address, changes) = all.split_first()?;
    let is_address = address.starts_with("inet:") || address.starts_with("unix:");
    if number >= FILTERS_MAX || !is_address {
        return None;
    }
    let mut filter = FilterSettings { address: address.clone(), ..filter(number) };
    for change in changes {
        let (key, value) = change.split_once('=')?;
        match key {
            "default_action" => filter.on_failure = action(value)?,
            "connect_timeout" => filter.timeouts.connect = time(value)?,
            "command_timeout" => filter.timeouts.command = time(value)?,
            "content_timeout" => filter.timeouts.content = time(value)?,
            _ => return None,
        }
    }
    Some(filter)
}

fn hosts(text: &str) -> Option<Vec<IpAddr>> {
    words(text).iter().map(|word| word.trim_matches(['[', ']']).parse().ok()).collect()
}

/// `30s`, `5m`; without a letter it is seconds.
fn time(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let number: u64 = digits.parse().ok()?;
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    Some(Duration::from_secs(number.checked_mul(unit)?))
}

fn words(text: &str) -> Vec<String> {
    text.split(SEPARATORS).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// What stands between the words of a parameter.
const SEPARATORS: [char; 4] = [' ', ',', '\t', '\n'];

#[cfg(test)]
mod tests {
    use super::{super::base::base, *};

    fn with(key: &str, value: &str) -> Option<Settings> {
        let mut settings = base(true);
        set_parameter(&mut settings, key, value).map(|()| settings)
    }

    #[test]
    fn parameters_that_filters_notice_are_set_and_others_are_not_modelled() {
        assert_eq!(with("milter_command_timeout", "2m").unwrap().filters[0].timeouts.command, Duration::from_secs(120));
        assert_eq!(with("milter_connect_macros", "j {v}").unwrap().macro_lists[&MacroStage::Connect], ["j", "{v}"]);
        assert!(with("milter_protocol", "5").is_none());
        assert_eq!(with("milter_protocol", "4 no_header_reply").unwrap().protocol_flags, Protocol::NR_HEADER);
        assert_eq!(
            with("milter_macro_v", "$mail_name on $myhostname").unwrap().macro_values["v"],
            "Postfix on mx.example.com"
        );
        assert!(with("milter_macro_v", "$unknown").is_none());
        let filters = with("smtpd_milters", "{ inet:127.0.0.1:9900, default_action=accept } inet:127.0.0.1:9901")
            .unwrap()
            .filters;
        assert_eq!((filters[0].on_failure, filters[1].on_failure), (FailureAction::Accept, FailureAction::Tempfail));
        let elsewhere = with("smtpd_milters", "unix:/run/a.sock, inet:[::1]:1").unwrap().filters;
        assert_eq!(
            elsewhere.iter().map(|filter| filter.address.as_str()).collect::<Vec<_>>(),
            ["unix:/run/a.sock", "inet:[::1]:1"]
        );
        assert!(with("smtpd_milters", "nonsense").is_none());
        assert_eq!(with("smtpd_hard_error_limit", "3").unwrap().error_limit, Some(3));
        assert!(with("smtpd_junk_command_limit", "1").is_none());
    }
}
