//! Good files, and what is said of bad ones.

use spf::SpfResult;

use super::Config;
use super::effective::{SHIPPED, in_force};
use crate::judge::ShownKeys;
use crate::policy::{Rule, Rules, Stage};

fn problems(text: &str) -> String {
    match Config::parse("spf-milter.toml", text) {
        Ok(_) => panic!("accepted: {text}"),
        Err(problems) => problems.to_string(),
    }
}

fn policy_table(rules: &Rules) -> String {
    let line = |result: SpfResult| match rules.get(result) {
        Rule::Accept => format!("{result:10}accept"),
        Rule::Header => format!("{result:10}header"),
        Rule::Quarantine(reason) => format!("{result:10}quarantine {reason}"),
        Rule::Discard => format!("{result:10}discard"),
        Rule::Tag(tag) => format!("{result:10}tag {tag}"),
        Rule::Refuse(refusal) => {
            format!("{result:10}{} {} | {}", refusal.code, refusal.text, refusal.text_explained)
        }
    };
    SpfResult::ALL.map(line).join("\n")
}

#[test]
fn the_empty_file_means_the_defaults() {
    let config = Config::default();
    assert_eq!(config.listen.to_string(), "unix:/run/spf-milter/spf-milter.sock");
    let style = config.headers.received_spf.unwrap();
    assert!(config.policy.enforce && style.show == ShownKeys::Keys && config.dns.resolvers.is_empty());
    assert_eq!(config.policy.stage, Stage::Rcpt);
    assert_eq!(config.dns.budget.as_millis(), 8_000);
}

/// The shipped file is the documentation of the keys: as it is, and with all its keys in force.
#[test]
fn the_shipped_file_says_what_the_defaults_are() {
    Config::parse("spf-milter.toml", SHIPPED).unwrap_or_else(|problems| panic!("{problems}"));
    let in_force = in_force(SHIPPED);
    let config = Config::parse("spf-milter.toml", &in_force).unwrap_or_else(|problems| panic!("{problems}"));
    let defaults = Config::default();
    assert_eq!(policy_table(&config.policy.mail_from), policy_table(&defaults.policy.mail_from));
    assert_eq!(format!("{config:#?}"), format!("{defaults:#?}"));
}

#[test]
fn every_key_is_read() {
    let text = r#"
        listen = "inet:8891@127.0.0.1"
        resolver = ["192.0.2.1", "[2001:db8::1]:5353"]
        hostname = "mx.example.com"
        mode = "record"
        reject_text = "no"
        reject_text_explained = "no: %{explanation}"
        default_explanation = "see %{c}"
        received_spf = { position = "append", keys = false }
        [policy]
        softfail = "tempfail"
        permerror = { action = "reject", code = 554, enhanced = "5.5.2", text = "mend %{d}" }
        temperror = "accept"
        [dns]
        timeout_ms = 1_000
        tries = 3
        budget_ms = 20_000
        mta_timeout_s = 30
        case_randomization = true
        failures_max = 5
        probe_s = 7
        outage = "accept"
        term_lookups_max = 20
        void_lookups_max = 4
        [dns.cache]
        entries_max = 11
        bytes_max = 12
        ttl_min_s = 13
        ttl_max_s = 14
        negative_ttl_min_s = 15
        negative_ttl_max_s = 16
    "#;
    let config = Config::parse("x", text).unwrap_or_else(|problems| panic!("{problems}"));
    let dns = &config.dns;
    insta::assert_snapshot!(format!(
        "listen {}\nresolvers {:?}\nhostname {:?}\nenforce {}\nexplanation {}\n{:?}\n{:#?}\n{:?}\n{}",
        config.listen,
        dns.resolvers,
        config.hostname,
        config.policy.enforce,
        config.default_explanation.as_ref().map(ToString::to_string).unwrap_or_default(),
        config.headers,
        dns,
        config.limits,
        policy_table(&config.policy.mail_from)
    ));
}

#[test]
fn a_reject_text_does_not_speak_for_temporary_refusals() {
    let config = Config::parse("x", "reject_text = \"no\"\npolicy.softfail = \"tempfail\"").unwrap();
    insta::assert_snapshot!(policy_table(&config.policy.mail_from));
}

/// Each file is wrong in its own way; the drawing is what an administrator sees.
#[test]
fn what_is_said_of_bad_files() {
    let files = [
        "listn = \"unix:/run/x\"",
        "listen = \"nonsense\"",
        "listen = 8891",
        "resolver = \"ns.example.com\"",
        "resolver = [\"192.0.2.1\", \"192.0.2.2:0\", 5]",
        "hostname = \"mx example\"",
        "resolver = []",
        "dns = { outage = \"defer\", tries = 0 }",
        "dns.cache = { entry_max = 5 }",
        "mode = \"recrod\"",
        "reject_text = \"see %{recpt}\"",
        "reject_text = '''\n100% wrong'''",
        "default_explanation = \"%{rcpt}\"",
        "received_spf = { position = \"top\", key = true }",
        "policy = { fial = \"reject\" }",
        "policy = { fail = \"bounce\" }",
        "policy = { fail = 550 }",
        "[policy.fail]\ncode = 450",
        "[policy.fail]\ncode = 550\nenhanced = \"4.7.23\"",
        "[policy.fail]\nenhanced = \"5.7\"",
        "[policy.softfail]\ncode = 550",
        "[policy.fail]\ncode = 250",
        "[dns]\nbudget_ms = 60_000\ntimeout_ms = \"2s\"",
        "listen = \"unix:/a\"\nlisten = \"unix:/b\"",
        "listen = ",
        "a\u{1b}b = 1",
        "\"a\\u001Bb\" = 1",
    ];
    let drawn: Vec<_> = files.iter().map(|text| problems(text)).collect();
    insta::assert_snapshot!(drawn.join("\n\n"));
}

#[test]
fn all_problems_of_a_file_are_shown_in_its_order() {
    let text = problems("mode = 1\n[dns]\nbudget = 1\n[policy]\nfail = \"no\"\n");
    let places: Vec<_> = text.lines().filter_map(|line| line.trim().strip_prefix("--> ")).collect();
    assert_eq!(places, ["spf-milter.toml:1:8", "spf-milter.toml:3:1", "spf-milter.toml:5:8"]);
}

/// The keys of later years, wrong in their own ways.
#[test]
fn what_is_said_of_bad_policies_and_lists() {
    let files = [
        "policy.helo.fial = \"reject\"",
        "policy.null_sender = \"reject\"",
        "policy.fail = { action = \"discard\", text = \"gone\" }",
        "policy.fail = { action = \"quarantine\", code = 550 }",
        "policy.fail = { action = \"tag\", text = \"[b\u{f6}se] \" }",
        "policy.fail = { action = \"header\", text_explained = \"no\" }",
        "helo = { definitive = [\"pass\", \"passed\"], fqdn = \"reject\" }",
        "refuse_at = \"data\"",
        "leave_to_dmarc = true",
        "exempt.networks = [\"192.0.2.0/33\", \"0.0.0.0/0\", 5]",
        "exempt.senders = [\"a b\", \"*\", \"\"]",
        "exempt.helo = \"user@example.com\"",
        "exempt.senders = \"file:senders\"",
        "exempt.senders = \"file:/nonexistent/senders\"",
        "exempt.tls_verified = \"\"",
        "records.override = { \"example.com\" = \"v=spf1 foo -all\" }",
        "records.fallback = { \"@example.com\" = \"v=spf1 -all\", \"*\" = \"v=spf1 -all\" }",
        "records.best_guess = 1",
        "authentication_results = { add = true, authserv_id = \"mx; x\", forged = \"delete\" }",
    ];
    let drawn: Vec<_> = files.iter().map(|text| problems(text)).collect();
    insta::assert_snapshot!(drawn.join("\n\n"));
}

#[test]
fn lists_are_read_from_files() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("senders");
    std::fs::write(&path, "# friends\n\nnews@example.com # weekly\n  .example.org\n").unwrap();
    let text = format!("exempt.senders = [\"a@b.example\", \"file:{}\"]", path.display());
    let config = Config::parse("x", &text).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.exempt.senders.len(), 3);
    assert!(config.exempt.senders.iter().any(|pattern| pattern.matches_address(b"x@y.example.org")));
    std::fs::write(&path, "good@example.com\nnot good\n").unwrap();
    let said = Config::parse("x", &text).unwrap_err().to_string();
    assert!(said.contains("senders, line 2: `not good`: a pattern must not hold blanks"), "{said}");
}

#[test]
fn each_identity_has_its_rules() {
    let text = r#"
        reject_text = "no"
        [policy]
        softfail = "tag"
        none = { action = "quarantine", text = "nobody" }
        null_sender = { none = "tempfail" }
        helo = { temperror = "tempfail", permerror = "discard" }
        [helo]
        literal = { action = "reject", text = "literal" }
    "#;
    let config = Config::parse("x", text).unwrap_or_else(|problems| panic!("{problems}"));
    let policy = &config.policy;
    insta::assert_snapshot!(format!(
        "senders\n{}\n\nnull sender\n{}\n\nHELO\n{}\n\n{:?}",
        policy_table(&policy.mail_from),
        policy_table(&policy.null_sender),
        policy_table(policy.helo.as_ref().unwrap()),
        policy.helo_unusable.literal.as_ref().map(|rule| matches!(rule, Rule::Refuse(refusal)
            if refusal.text.to_string() == "literal")),
    ));
}

#[test]
fn the_most_exact_pattern_of_a_record_wins() {
    let text = r#"records.override = { "*.example.com" = "v=spf1 -all", "a.example.com" = "v=spf1 +all", ".b.example.com" = "v=spf1 ?all" }"#;
    let config = Config::parse("x", text).unwrap_or_else(|problems| panic!("{problems}"));
    let records = config.records.unwrap();
    let found = |name: &str| {
        let entry = records.overrides.iter().find(|(pattern, _)| pattern.matches_domain(name.as_bytes()));
        entry.map(|(_, record)| record.text().to_owned())
    };
    assert_eq!(found("a.example.com").as_deref(), Some("v=spf1 +all"));
    assert_eq!(found("x.b.example.com").as_deref(), Some("v=spf1 ?all"));
    assert_eq!(found("c.example.com").as_deref(), Some("v=spf1 -all"));
    assert_eq!(found("example.com"), None);
}

/// The keys that make the service.
#[test]
fn what_is_said_of_bad_services() {
    let files = [
        "socket.mode = 660",
        "socket.mode = \"rw\"",
        "socket.mode = \"066\"",
        "socket = { owner = \"no such user\", group = \"no\\u001bgroup\" }",
        "process.user = \"nobody at all\"",
        "process.pid_file = \"spf-milter.pid\"",
        "limits = { connections = 0, messages = 1_000_000, over = \"reject\", drain = 5 }",
        "log = { target = \"file\", format = \"xml\", level = \"warning\" }",
        "metrics = \"localhost:9742\"",
        "reject_text = \"\"",
    ];
    let drawn: Vec<_> = files.iter().map(|text| problems(text)).collect();
    insta::assert_snapshot!(drawn.join("\n\n"));
}

#[test]
fn a_file_that_is_no_text_is_refused_with_the_place() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("c.toml");
    std::fs::write(&path, b"# fine\nmode = \"\xfc\"\n").unwrap();
    let said = Config::read(&path).unwrap_err().to_string();
    assert!(said.contains("c.toml:2:9: byte 0xfc is no UTF-8; save the file as UTF-8"), "{said}");
}

#[test]
fn a_file_without_an_end_is_refused() {
    let said = Config::read(std::path::Path::new("/dev/zero")).unwrap_err().to_string();
    assert_eq!(said, "cannot read the configuration file `/dev/zero`: it has more than 4194304 bytes");
}
