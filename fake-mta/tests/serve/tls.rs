//! STARTTLS, AUTH and certificates, with Python's SMTP client.

use std::fs;

use super::{ENVELOPE, Server};

/// What was sent behind STARTTLS in the clear must not count once the line is safe.
const SMTPLIB: &str = r#"
import smtplib, ssl, sys
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), local_hostname="client.example") as smtp:
    smtp.ehlo()
    smtp.send(b"STARTTLS\r\nNOOP\r\nRSET\r\n")
    assert smtp.getreply()[0] == 220
    smtp.sock = context.wrap_socket(smtp.sock)
    smtp.file = None
    smtp.ehlo()
    assert not smtp.has_extn("starttls") and smtp.has_extn("auth")
    smtp.login("bob", "secret")
    smtp.sendmail("a@example.org", ["b@example.net"], "Subject: safe\r\n\r\nhello\r\n")
print(smtp is not None)
"#;

#[test]
fn a_safe_line_and_a_login_are_told_to_the_milter_as_each_mta_does() {
    let tls = "{tls_version}=TLSv1.3 {cipher}=TLS_AES_256_GCM_SHA384 {cipher_bits}=256 {cert_subject}=/CN=c";
    // sendmail tells of the issuer that there is none.
    for (profile, issuer) in [("sendmail", " {cert_issuer}="), ("postfix", "")] {
        let more = ["--starttls", "--tls-macro", "cert_subject=/CN=c", "--auth", "bob:secret"];
        let mut server = Server::start(profile, &more);
        let Some(output) = server.client("python3", &["-c", SMTPLIB, "PORT"]) else { return };
        let shown = server.shown();
        assert!(output.status.success(), "{}{shown}", String::from_utf8_lossy(&output.stderr));
        assert!(shown.contains("C: AUTH PLAIN (hidden)\n") && !shown.contains("AGJvYgBzZWNyZXQ="), "{shown}");
        assert!(
            shown.contains(&format!("> macro H {tls}{issuer}\n")) && shown.contains("{auth_authen}=bob"),
            "{profile}: {shown}"
        );
        let mails = server.mails();
        assert!(mails.len() == 1 && mails[0].contains("with ESMTPSA id"), "{profile}: {mails:?}");
        let noted = mails[0].contains("(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=NO)");
        assert_eq!(noted, profile == "sendmail", "{mails:?}");
    }
}

/// A client with a certificate.
const WITH_CERTIFICATE: &str = r#"
import smtplib, ssl, sys
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
context.load_cert_chain(sys.argv[2])
with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), local_hostname="client.example") as smtp:
    smtp.starttls(context=context)
    smtp.sendmail("a@example.org", ["b@example.net"], "Subject: safe\r\n\r\nhello\r\n")
"#;

fn pem(label: &str, der: &[u8]) -> String {
    let base64 = data_encoding::BASE64.encode(der);
    let lines: Vec<&str> = base64.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn named(name: &str) -> (rcgen::CertificateParams, rcgen::KeyPair) {
    let mut params = rcgen::CertificateParams::new(Vec::new()).expect("no names");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    (params, rcgen::KeyPair::generate().expect("a key"))
}

/// The authority, and the key and certificate of somebody whom it knows, and of somebody whom it does not.
fn certificates() -> [(&'static str, String); 3] {
    let (mut authority, authority_key) = named("An Authority");
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let certificate = authority.self_signed(&authority_key).expect("a certificate");
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let (client, key) = named("client.example");
    let known = client.signed_by(&key, &issuer).expect("a certificate");
    let unknown = client.self_signed(&key).expect("a certificate");
    let key = pem("PRIVATE KEY", &key.serialize_der());
    [
        ("ca.pem", pem("CERTIFICATE", certificate.der())),
        ("known.pem", key.clone() + &pem("CERTIFICATE", known.der())),
        ("unknown.pem", key + &pem("CERTIFICATE", unknown.der())),
    ]
}

#[test]
fn the_certificate_of_a_client_is_told_as_each_mta_does() {
    let tls = "{tls_version}=TLSv1.3 {cipher}=TLS_AES_256_GCM_SHA384 {cipher_bits}=256";
    let certificates = certificates();
    for (profile, client, names, verify) in [
        ("postfix", "known.pem", " {cert_subject}=client.example {cert_issuer}=An Authority", ""),
        ("postfix", "unknown.pem", "", ""),
        ("sendmail", "known.pem", " {cert_subject}=/CN=client.example {cert_issuer}=/CN=An+20Authority", "verify=OK)"),
        (
            "sendmail",
            "unknown.pem",
            " {cert_subject}=/CN=client.example {cert_issuer}=/CN=client.example",
            "verify=FAIL)",
        ),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        for (file, text) in &certificates {
            fs::write(dir.path().join(file), text).expect("a file");
        }
        let out = fs::File::create(dir.path().join("shown")).expect("a file");
        let more = ["--starttls", "--tls-ask-cert", "--tls-ca", "ca.pem"];
        let mut server = Server::start_in(dir, out.into(), profile, &more);
        let file = server.dir.path().join(client).display().to_string();
        let Some(output) = server.client("python3", &["-c", WITH_CERTIFICATE, "PORT", &file]) else { return };
        let shown = server.shown();
        assert!(output.status.success(), "{}{shown}", String::from_utf8_lossy(&output.stderr));
        assert!(shown.contains(&format!("> macro H {tls}{names}\n")), "{profile}, {client}: {shown}");
        assert!(server.mails()[0].contains(verify), "{:?}", server.mails());
    }
}

/// A login in the clear and then STARTTLS: what AUTH says after it.
const LOGIN_TWICE: &str = r#"
import smtplib, ssl, sys
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), local_hostname="client.example") as smtp:
    smtp.login("bob", "secret")
    smtp.starttls(context=context)
    smtp.ehlo()
    print(smtp.docmd("AUTH", "PLAIN AGJvYgBzZWNyZXQ="))
"#;

#[test]
fn what_was_told_in_the_clear_counts_no_more_for_postfix() {
    for (profile, said) in [
        ("postfix", "(235, b'2.7.0 Authentication successful')"),
        ("sendmail", "(503, b'5.5.0 Already Authenticated')"),
    ] {
        let server = Server::start(profile, &["--starttls", "--auth", "bob:secret"]);
        let Some(output) = server.client("python3", &["-c", LOGIN_TWICE, "PORT"]) else { return };
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), said, "{output:?}");
    }
}

#[test]
fn sendmail_begins_no_tls_in_a_transaction() {
    let server = Server::start("sendmail", &["--starttls"]);
    let said = server.talk(&[&ENVELOPE[..2], &[b"STARTTLS\r\n", b"QUIT\r\n"]].concat());
    assert!(said.contains("503 5.5.0 TLS not permitted during a mail transaction\r\n221 "), "{said}");
}
