//! Each action at each stage, as a table.

use std::fmt::Write as _;

use super::tests::{command, refused, session_with};
use super::{Decision, MailCommand};
use crate::exempt::Tls;

const ZONE: &str = r#"
fail.example.       TXT "v=spf1 ip4:203.0.113.1 -all"
null.example.       TXT "v=spf1 -all"
pass.example.       TXT "v=spf1 +all"
helo.example.       TXT "v=spf1 ip4:195.56.204.159 -all"
forged.example.     TXT "v=spf1 -all"
"#;

/// One message to one recipient: what was said at each stage, as far as it went.
async fn course(config: &str, helo: &str, mail: MailCommand<'_>, rcpts: &[&str]) -> String {
    let mut session = session_with(config, ZONE);
    let mut said = Vec::new();
    let helo = session.helo(helo.as_bytes()).await;
    if helo != Decision::Continue {
        return format!("HELO {}", shown(&helo));
    }
    let decision = session.envfrom(mail).await;
    if decision != Decision::Continue {
        return format!("MAIL {}", shown(&decision));
    }
    let mut taken = false;
    for rcpt in rcpts {
        let decision = session.envrcpt(rcpt.as_bytes(), None);
        taken |= decision == Decision::Continue;
        if decision != Decision::Continue {
            said.push(format!("RCPT {}", shown(&decision)));
        }
    }
    if taken {
        session.header(b"Subject", b"hello");
        let ending = session.eom(None).await.expect("a message is under way");
        let words = ending.edits.iter().map(|edit| edit.to_string().chars().take(34).collect::<String>());
        said.extend(words);
        said.push(format!("EOM {}", shown(&ending.decision)));
    }
    said.join(" | ")
}

/// The codes of a refusal without its text.
fn shown(decision: &Decision) -> String {
    refused(decision).split(' ').take(2).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn each_action_at_each_stage() {
    let mut table = String::new();
    for action in ["accept", "header", "reject", "tempfail", "quarantine", "discard", "tag"] {
        for stage in ["mail", "rcpt", "eom"] {
            for mode in ["enforce", "dry-run"] {
                let config = format!("mode = \"{mode}\"\nrefuse_at = \"{stage}\"\npolicy.fail = \"{action}\"");
                let course = course(&config, "helo.example", command("<a@fail.example>"), &["<b@x.example>"]).await;
                let _ = writeln!(table, "{action:11}{stage:5}{mode:8} {course}");
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn exempt_recipients_at_each_stage() {
    let mut table = String::new();
    for action in ["reject", "quarantine", "discard", "tag"] {
        for stage in ["rcpt", "eom"] {
            for rcpts in [&["<p@x.example>"][..], &["<p@x.example>", "<b@x.example>"], &["<b@x.example>"]] {
                let config = format!("refuse_at = \"{stage}\"\npolicy.fail = \"{action}\"\nexempt.recipients = \"p@\"");
                let course = course(&config, "helo.example", command("<a@fail.example>"), rcpts).await;
                let _ = writeln!(table, "{action:11}{stage:5}{:28} {course}", rcpts.join(" "));
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn who_decides_and_who_is_exempt() {
    let open = "exempt.authenticated = false\n";
    let tls = |verified, subject: &str| Tls { verified, subject: subject.as_bytes().to_vec() };
    let plain = || command("<a@fail.example>");
    let authenticated = || MailCommand { authenticated: true, ..plain() };
    let certified = |verified| MailCommand { tls: tls(verified, "/CN=partner"), ..plain() };
    let cases = [
        ("", "helo.example", plain()),
        ("", "helo.example", authenticated()),
        (open, "helo.example", authenticated()),
        ("", "helo.example", certified(true)),
        ("exempt.tls_verified = true", "helo.example", certified(true)),
        ("exempt.tls_verified = true", "helo.example", certified(false)),
        ("exempt.tls_verified = \"/CN=part*\"", "helo.example", certified(true)),
        ("exempt.tls_verified = \"/CN=other\"", "helo.example", certified(true)),
        ("exempt.senders = \"fail.example\"", "helo.example", plain()),
        ("exempt.helo = \"helo.example\"", "helo.example", plain()),
        ("exempt.forwarders = \"helo.example\"", "helo.example", plain()),
        ("exempt.forwarders = \"forged.example\"", "forged.example", plain()),
        ("exempt.forwarders = \"none.example\"", "none.example", plain()),
        ("policy.helo = {}", "forged.example", command("<a@pass.example>")),
        ("policy.helo = {}", "forged.example", command("<>")),
        ("policy.helo = {}", "helo.example", plain()),
        ("helo.definitive = \"pass\"", "helo.example", plain()),
        ("policy.null_sender.fail = \"tempfail\"", "forged.example", command("<>")),
        ("helo.literal = \"reject\"", "[192.0.2.1]", command("<a@pass.example>")),
        ("helo.literal = \"reject\"", "mail", command("<a@pass.example>")),
        ("helo.not_fqdn = \"tempfail\"", "mail", command("<>")),
        ("helo.check = false", "forged.example", command("<a@pass.example>")),
        ("leave_to_dmarc = \"always\"", "helo.example", plain()),
        ("leave_to_dmarc = \"unless-null-record\"", "helo.example", plain()),
        ("leave_to_dmarc = \"unless-null-record\"", "helo.example", command("<a@null.example>")),
    ];
    let mut table = String::new();
    for (config, helo, mail) in cases {
        let sender = String::from_utf8_lossy(mail.path).into_owned();
        let course = course(config, helo, mail, &["<b@x.example>"]).await;
        let _ = writeln!(table, "{:46} {helo:15} {sender:17} {course}", config.trim_end());
    }
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn helo_is_judged_at_helo_if_that_is_the_stage() {
    let config = "refuse_at = \"helo\"\npolicy.helo = {}\nexempt.authenticated = false";
    let pass = || command("<a@pass.example>");
    assert_eq!(course(config, "forged.example", pass(), &["<b@x.example>"]).await, "HELO 550 5.7.23");
    let exempt = format!("{config}\nexempt.helo = \"forged.example\"");
    assert_eq!(course(&exempt, "forged.example", pass(), &["<b@x.example>"]).await, "EOM continue");
    assert_eq!(course(config, "helo.example", command("<a@fail.example>"), &[]).await, "MAIL 550 5.7.23");
}
