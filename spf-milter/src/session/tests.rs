//! Whole sessions against zone text.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Decision, Edit, MailCommand, Service, Session};
use crate::config::Config;
use crate::exempt::Tls;
use crate::resolver::{DnsSource, ZoneLookup};

const ZONE: &str = r#"
netcraft.com.au.        TXT "v=spf1 ip4:203.16.230.0/23 ip4:150.101.234.78 -all"
explained.example.      TXT "v=spf1 -all exp=why.explained.example"
why.explained.example.  TXT "%{i} is not one of %{d}'s mail servers, 100%%"
mail.example.net.       TXT "v=spf1 ip4:195.56.204.159 -all"
broken.example.         TXT "v=spf1 ip4:nonsense -all"
"#;

pub(super) fn session(config: &str) -> Session {
    session_with(config, ZONE)
}

/// A session with the configuration and the records; the client's address is known.
pub(super) fn session_with(config: &str, zone_text: &str) -> Session {
    session_of(&service(config, zone_text))
}

/// What sessions with the configuration and the records share.
pub(super) fn service(config: &str, zone_text: &str) -> Arc<Service> {
    let records = zone::parse(zone_text, &zone::ParseOptions::default()).unwrap();
    let mut config = Config::parse("spf-milter.toml", config).unwrap_or_else(|problems| panic!("{problems}"));
    config.hostname.get_or_insert_with(|| "april.netcraft.com.au".to_owned());
    let dns = DnsSource::Zone(ZoneLookup::new(records));
    Arc::new(Service { config, dns, hostname: "unused.example".to_owned(), metrics: Arc::default() })
}

/// A session in which the client's address is known.
pub(super) fn session_of(service: &Arc<Service>) -> Session {
    let mut session = Session::new(Arc::clone(service));
    assert!(session.connect(Some(IpAddr::from([195, 56, 204, 159])), None));
    session
}

pub(super) fn command(path: &str) -> MailCommand<'_> {
    MailCommand { path: path.as_bytes(), smtputf8: false, authenticated: false, tls: Tls::default(), queue_id: None }
}

/// Ends the message; what is inserted into its header.
async fn inserted(session: &mut Session) -> Option<String> {
    let ending = session.eom(None).await?;
    let insert = |edit: Edit| if let Edit::Insert { value, .. } = edit { Some(value) } else { None };
    ending.edits.into_iter().find_map(insert).map(|value| String::from_utf8(value).unwrap())
}

pub(super) async fn mail(session: &mut Session, path: &str) {
    session.envfrom(command(path)).await;
}

pub(super) fn refused(decision: &Decision) -> String {
    match decision {
        Decision::Continue => "continue".to_owned(),
        Decision::Discard => "discard".to_owned(),
        Decision::Refuse { code, lines } => format!("{code} {}", lines.join("|")),
    }
}

async fn reply(config: &str, path: &str) -> String {
    let mut session = session(config);
    session.helo(b"mail.example.net").await;
    mail(&mut session, path).await;
    refused(&session.envrcpt(b"<g@netcraft.com.au>", None))
}

#[tokio::test]
async fn the_refusal_of_the_talk_comes_out_byte_for_byte() {
    let config = r#"
        reject_text = "[RCPT TO: <%{rcpt}>] Please see http://spf.pobox.com/why.html?sender=%{s}&ip=%{c}&receiver=%{r}"
        policy.fail = { code = 550, enhanced = "5.7.1" }
    "#;
    assert_eq!(
        reply(config, "<geoffrey@netcraft.com.au>").await,
        "550 5.7.1 [RCPT TO: <g@netcraft.com.au>] Please see \
         http://spf.pobox.com/why.html?sender=geoffrey@netcraft.com.au&ip=195.56.204.159&receiver=april.netcraft.com.au"
    );
}

#[tokio::test]
async fn the_shipped_texts() {
    let mut lines = Vec::new();
    for sender in ["geoffrey@netcraft.com.au", "x@explained.example", "x@broken.example", "x@nowhere.example", ""] {
        lines.push(format!("<{sender}>: {}", reply("", &format!("<{sender}>")).await));
    }
    let all = "policy = { permerror = \"reject\", none = \"tempfail\" }";
    for sender in ["x@broken.example", "x@nowhere.example"] {
        lines.push(format!("<{sender}>, refused on request: {}", reply(all, &format!("<{sender}>")).await));
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[tokio::test]
async fn an_explanation_alone_is_given_as_it_is() {
    let config = "reject_text = \"%{explanation}\"\ndefault_explanation = \"DEFAULT\"";
    assert_eq!(
        reply(config, "<x@explained.example>").await,
        "550 5.7.23 195.56.204.159 is not one of explained.example's mail servers, 100%"
    );
    assert_eq!(reply(config, "<x@netcraft.com.au>").await, "550 5.7.23 DEFAULT");
}

#[tokio::test]
async fn record_mode_refuses_nothing_and_still_writes_the_header() {
    let mut session = session("mode = \"record\"\nreceived_spf = { keys = false }");
    mail(&mut session, "<geoffrey@netcraft.com.au>").await;
    assert_eq!(session.envrcpt(b"<g@netcraft.com.au>", None), Decision::Continue);
    assert_eq!(
        inserted(&mut session).await.unwrap(),
        "fail (april.netcraft.com.au: domain of geoffrey@netcraft.com.au does not designate 195.56.204.159 as \
         permitted sender)"
    );
}

#[tokio::test]
async fn the_null_sender_is_judged_by_helo() {
    let mut session = session("");
    session.helo(b"mail.example.net").await;
    mail(&mut session, "<>").await;
    let ending = session.eom(None).await.unwrap();
    insta::assert_snapshot!(ending.edits[0]);
}

#[tokio::test]
async fn one_message_leaves_nothing_to_the_next() {
    let mut session = session("");
    mail(&mut session, "<geoffrey@netcraft.com.au>").await;
    session.end_message();
    assert_eq!(session.envrcpt(b"<g@netcraft.com.au>", None), Decision::Continue);
    assert_eq!(session.eom(None).await, None);
    mail(&mut session, "<geoffrey@netcraft.com.au>").await;
    session.helo(b"again.example").await;
    assert_eq!(session.eom(None).await, None);
}

#[tokio::test]
async fn without_a_client_address_nothing_is_checked() {
    let mut session = session("");
    assert!(!session.connect(None, None));
    mail(&mut session, "<geoffrey@netcraft.com.au>").await;
    assert_eq!(session.envrcpt(b"<g@netcraft.com.au>", None), Decision::Continue);
    assert_eq!(session.eom(None).await, None);
}

#[tokio::test]
async fn control_characters_of_the_peer_get_nowhere() {
    let mut session = session("reject_text = \"%{s} %{rcpt} %{h}\"");
    session.helo(b"h\r\nX: y").await;
    mail(&mut session, "<a\r\nb\x00\u{85}@netcraft.com.au>").await;
    let text = refused(&session.envrcpt(b"<r\r\n250 ok@x>", None));
    let mut session = self::session("policy.fail = \"header\"");
    session.helo(b"h\r\nX: y").await;
    mail(&mut session, "<a\r\nb\x00\u{85}@netcraft.com.au>").await;
    let header = inserted(&mut session).await.unwrap();
    assert_eq!(text, "550 5.7.23 a??b??@netcraft.com.au r??250 ok@x h??X: y");
    assert!(header.lines().skip(1).all(|line| line.starts_with('\t')), "{header}");
    assert!(header.chars().all(|c| c == '\n' || c == '\t' || (' '..='~').contains(&c)), "{header}");
}
