//! The Received-SPF field (RFC 7208 section 9.1).

use std::net::IpAddr;

use spf::SpfResult;

use super::text::{Charset, comment, printable, shortened, value};
use super::wording::sentence;

/// The facts that a Received-SPF field states. Texts may hold any bytes: rendering makes them harmless.
#[derive(Clone, Debug)]
pub(crate) struct ReceivedSpf<'a> {
    /// The result.
    pub(crate) result: SpfResult,
    /// The host that did the check.
    pub(crate) receiver: &'a str,
    /// The client.
    pub(crate) client_ip: IpAddr,
    /// The address whose domain was checked, local-part and all.
    pub(crate) address: &'a str,
    /// The envelope sender as the client gave it; none where the identity is HELO.
    pub(crate) envelope_from: Option<&'a str>,
    /// The argument of HELO or EHLO, if there was one.
    pub(crate) helo: Option<&'a str>,
    /// Which identity was checked: `mailfrom` or `helo`.
    pub(crate) identity: &'static str,
    /// The mechanism that matched, or `default` where none did.
    pub(crate) mechanism: Option<&'a str>,
    /// What went wrong, for the two errors.
    pub(crate) problem: Option<&'a str>,
    /// The comment in the administrator's own words, if he has any.
    pub(crate) comment: Option<&'a str>,
    /// What stands in front of the sentence where the record was not the domain's own; mostly empty.
    pub(crate) note: &'static str,
    /// The directive that matched, the domain it belongs to, and its record, if they are to be shown.
    pub(crate) evidence: Option<Evidence<'a>>,
    /// Which characters the message's header can carry.
    pub(crate) charset: Charset,
}

/// What decided: RFC 7208 section 9.1 lets a field have keys of one's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence<'a> {
    /// The directive with its qualifier.
    pub(crate) directive: &'a str,
    /// The domain whose record holds it.
    pub(crate) domain: &'a str,
    /// The record.
    pub(crate) record: &'a str,
}

impl ReceivedSpf<'_> {
    /// The name of the field.
    pub(crate) const NAME: &'static str = "Received-SPF";

    /// The result and the comment: `pass (mx.example.com: domain of …)`, in one line.
    pub(crate) fn summary(&self) -> String {
        let text = self.comment.map_or_else(|| self.usual_comment(), |text| printable(text, self.charset));
        let mut quoted = comment(&text);
        if quoted.len() > COMMENT_BYTES_MAX {
            // Quoting doubles a text at most.
            quoted = comment(&shortened(&text, COMMENT_BYTES_MAX / 2));
        }
        format!("{} ({quoted})", self.result)
    }

    fn usual_comment(&self) -> String {
        let address = self.clean(self.address, ADDRESS_BYTES_MAX).to_ascii_lowercase();
        let receiver = self.clean(self.receiver, VALUE_BYTES_MAX);
        format!("{receiver}: {}{}", self.note, sentence(self.result, self.client_ip, &address))
    }

    /// The summary, then the key-value list, folded with LF and TAB.
    pub(crate) fn with_keys(&self) -> String {
        let bytes_max = |key| if key == RECORD_KEY { RECORD_BYTES_MAX } else { VALUE_BYTES_MAX };
        let pairs = self.pairs().map(|(key, text)| format!("{key}={}", value(&self.clean(text, bytes_max(key)))));
        let mut out = self.summary();
        let mut column = usize::MAX;
        for (index, pair) in pairs.enumerate() {
            let semicolon = if index == 0 { "" } else { ";" };
            // A pair is never broken inside: it stands in the current line or opens the next one.
            let fits = column.saturating_add(pair.len() + "; ;".len()) <= LINE_COLUMNS;
            out.push_str(semicolon);
            out.push_str(if fits { " " } else { "\n\t" });
            column = if fits { column + " ;".len() + pair.len() } else { TAB_COLUMNS + pair.len() };
            out.push_str(&pair);
        }
        out
    }

    /// Keys and values in the order of RFC 7208 section 9.1's examples.
    fn pairs(&self) -> impl Iterator<Item = (&'static str, String)> {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let pairs = [
            ("client-ip", Some(self.client_ip.to_string())),
            ("envelope-from", text(self.envelope_from)),
            ("helo", text(self.helo)),
            ("identity", text(Some(self.identity))),
            ("mechanism", text(self.mechanism)),
            ("problem", text(self.problem)),
            ("receiver", text(Some(self.receiver))),
            ("directive", text(self.evidence.map(|evidence| evidence.directive))),
            ("record-domain", text(self.evidence.map(|evidence| evidence.domain))),
            (RECORD_KEY, text(self.evidence.map(|evidence| evidence.record))),
        ];
        pairs.into_iter().filter_map(|(key, text)| text.map(|text| (key, text)))
    }

    fn clean(&self, text: impl AsRef<[u8]>, bytes_max: usize) -> String {
        shortened(&printable(text, self.charset), bytes_max)
    }
}

/// The key of the record.
const RECORD_KEY: &str = "record";

/// The longest record that is shown: RFC 7208 section 3.4 advises 450 bytes at most, and escaped it still fits a line.
const RECORD_BYTES_MAX: usize = 470;

/// The longest line of a key-value list, where it can be helped (RFC 5322 section 2.1.1).
const LINE_COLUMNS: usize = 78;

/// What a tab at the start of a line takes up.
const TAB_COLUMNS: usize = 8;

/// The longest address in a comment; a legal one is no longer (RFC 5321 section 4.5.3.1).
const ADDRESS_BYTES_MAX: usize = 320;

/// The longest comment: with the field's name and the result it stays below the 998 bytes of a line (RFC 5322
/// section 2.1.1).
const COMMENT_BYTES_MAX: usize = 960;

/// The longest value of a key; escaped it still fits a line.
const VALUE_BYTES_MAX: usize = 320;

#[cfg(test)]
mod tests {
    use super::*;

    fn field(result: SpfResult) -> ReceivedSpf<'static> {
        ReceivedSpf {
            result,
            receiver: "april.netcraft.com.au",
            client_ip: IpAddr::from([69, 25, 30, 112]),
            address: "Fool@foolsubs.com",
            envelope_from: Some("Fool@foolsubs.com"),
            helo: Some("mail.foolsubs.com"),
            identity: "mailfrom",
            mechanism: None,
            problem: None,
            comment: None,
            note: "",
            evidence: None,
            charset: Charset::Ascii,
        }
    }

    const EVIDENCE: Evidence<'_> = Evidence {
        directive: "+ip4:69.25.30.0/24",
        domain: "_spf.foolsubs.com",
        record: "v=spf1 +ip4:69.25.30.0/24 -all",
    };

    #[test]
    fn the_lines_of_the_talk_come_out_byte_for_byte() {
        let pass = field(SpfResult::Pass).summary();
        assert_eq!(
            pass,
            "pass (april.netcraft.com.au: domain of fool@foolsubs.com designates 69.25.30.112 as permitted sender)"
        );
        let none = ReceivedSpf { address: "clamav-users-admin@lists.sourceforge.net", ..field(SpfResult::None) };
        assert_eq!(
            none.summary(),
            "none (april.netcraft.com.au: domain of clamav-users-admin@lists.sourceforge.net does not designate \
             permitted sender hosts)"
        );
    }

    #[test]
    fn the_key_value_list_of_each_result() {
        let fields = [
            ReceivedSpf { mechanism: Some("ip4:69.25.30.0/24"), ..field(SpfResult::Pass) },
            ReceivedSpf { mechanism: Some("all"), ..field(SpfResult::Fail) },
            ReceivedSpf { mechanism: Some("default"), ..field(SpfResult::Neutral) },
            ReceivedSpf { problem: Some("DNS time-out: foolsubs.com TXT"), ..field(SpfResult::Temperror) },
            ReceivedSpf {
                identity: "helo",
                address: "postmaster@Mail.Foolsubs.COM",
                envelope_from: None,
                client_ip: "2001:db8::5".parse().unwrap(),
                ..field(SpfResult::Softfail)
            },
            ReceivedSpf { helo: None, ..field(SpfResult::None) },
            ReceivedSpf { evidence: Some(EVIDENCE), note: "local policy: ", ..field(SpfResult::Pass) },
        ];
        let drawn: Vec<_> = fields.iter().map(|field| format!("Received-SPF: {}", field.with_keys())).collect();
        insta::assert_snapshot!(drawn.join("\n\n"));
    }

    #[test]
    fn hostile_text_stays_in_its_place() {
        let hostile = "\"a\r\nX-Evil: 1\0\u{1b}[31m) pass (b\\\"@example.com";
        let field = ReceivedSpf {
            address: hostile,
            envelope_from: Some(hostile),
            helo: Some("h\nSubject: x; identity=mailfrom"),
            problem: Some("\u{85}\u{2028}"),
            ..field(SpfResult::Permerror)
        };
        insta::assert_snapshot!(field.with_keys());
    }

    #[test]
    fn no_line_passes_the_limit_of_998_bytes() {
        let long = "(\\\")".repeat(5_000);
        let field = ReceivedSpf {
            receiver: &long,
            address: &long,
            envelope_from: Some(&long),
            helo: Some(&long),
            mechanism: Some(&long),
            problem: Some(&long),
            comment: Some(&long),
            evidence: Some(Evidence { directive: &long, domain: &long, record: &long }),
            ..field(SpfResult::Permerror)
        };
        for line in format!("Received-SPF: {}", field.with_keys()).lines() {
            assert!(line.len() <= 998, "{} bytes", line.len());
        }
    }
}
