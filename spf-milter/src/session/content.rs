//! What is noted of a message's header on the way: no more than the end of the message needs.

use super::ending::Edit;
use crate::config::{Config, Forged};
use crate::headers::{AuthenticationResults, ReceivedSpf, claims_authserv_id};

/// What the header of a message held.
#[derive(Default)]
pub(super) struct Content {
    received_spf: Fields,
    authentication_results: Fields,
    /// The first subject.
    pub(super) subject: Option<Vec<u8>>,
    /// The Received fields from the top.
    pub(super) received: Vec<Vec<u8>>,
    kept_bytes: usize,
}

/// The fields of one name.
#[derive(Default)]
struct Fields {
    /// How many there were.
    count: u32,
    /// Those that pretend to be ours: which of that name, counted from 1, and the value if it is to be kept.
    forged: Vec<(u32, Option<Vec<u8>>)>,
}

impl Fields {
    fn note(&mut self, is_forged: bool, value: Option<Vec<u8>>) {
        self.count = self.count.saturating_add(1);
        if is_forged {
            self.forged.push((self.count, value));
        }
    }
}

impl Content {
    /// Takes a header field.
    pub(super) fn note(&mut self, config: &Config, authserv_id: &str, name: &[u8], value: &[u8]) {
        let is = |wanted: &str| name.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes());
        let headers = &config.headers;
        if is(ReceivedSpf::NAME) {
            let kept = self.keep(headers.forged_received_spf, value);
            self.received_spf.note(headers.forged_received_spf != Forged::Keep, kept);
        } else if is(AuthenticationResults::NAME) {
            let what = headers.forged_authentication_results;
            let is_forged = what != Forged::Keep && claims_authserv_id(value, authserv_id);
            let kept = if is_forged { self.keep(what, value) } else { None };
            self.authentication_results.note(is_forged, kept);
        } else if is("Subject") && self.subject.is_none() {
            self.subject = self.within_limit(value);
        } else if is("Received") && !config.exempt.relays.is_empty() && self.received.len() < RECEIVED_MAX {
            let kept = self.within_limit(value);
            self.received.extend(kept);
        }
    }

    /// The value of a field that will be renamed.
    fn keep(&mut self, what: Forged, value: &[u8]) -> Option<Vec<u8>> {
        if what == Forged::Rename { self.within_limit(value) } else { None }
    }

    fn within_limit(&mut self, value: &[u8]) -> Option<Vec<u8>> {
        self.kept_bytes = self.kept_bytes.saturating_add(value.len());
        (self.kept_bytes <= KEPT_BYTES_MAX).then(|| value.to_vec())
    }

    /// The edits that take forged fields out, or give them another name.
    ///
    /// sendmail goes on counting a field that was deleted and Postfix does not: only from the highest index downwards
    /// both mean the same. And all of it comes before a field of ours is inserted, which counts as the first then.
    ///
    /// A renamed field is put on top, the last one first. Where else a field lands depends on the MTA: one that is added
    /// goes above the first of its name in sendmail, and below all others in Postfix.
    pub(super) fn cleaning(&mut self) -> Vec<Edit> {
        let lists = [
            (ReceivedSpf::NAME, RENAMED_RECEIVED_SPF, std::mem::take(&mut self.received_spf)),
            (
                AuthenticationResults::NAME,
                RENAMED_AUTHENTICATION_RESULTS,
                std::mem::take(&mut self.authentication_results),
            ),
        ];
        let mut edits = Vec::new();
        for (name, renamed, fields) in lists {
            let indices = fields.forged.iter().rev().map(|(index, _)| *index);
            edits.extend(indices.map(|index| Edit::Delete { index, name }));
            let values = fields.forged.into_iter().rev().filter_map(|(_, value)| value);
            edits.extend(values.map(|value| Edit::Insert { name: renamed, value }));
        }
        edits
    }
}

/// What a Received-SPF field is called that was there before.
const RENAMED_RECEIVED_SPF: &str = "X-Original-Received-SPF";

/// What an Authentication-Results field is called that pretended to be ours.
const RENAMED_AUTHENTICATION_RESULTS: &str = "X-Original-Authentication-Results";

/// How many Received fields are looked at; MTAs take fewer hops for a loop.
const RECEIVED_MAX: usize = 50;

/// How much of a message's header is kept; what is over is taken out without a copy.
const KEPT_BYTES_MAX: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(config: &str, fields: &[(&str, &str)]) -> String {
        let config = Config::parse("x", config).unwrap_or_else(|problems| panic!("{problems}"));
        let mut content = Content::default();
        for (name, value) in fields {
            content.note(&config, "mx.example.com", name.as_bytes(), value.as_bytes());
        }
        content.cleaning().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    const FIELDS: [(&str, &str); 7] = [
        ("Received-SPF", "pass (forged)"),
        ("Authentication-Results", "other.example; spf=pass"),
        ("authentication-results", "MX.example.com; spf=pass"),
        ("Subject", "hello"),
        ("AUTHENTICATION-RESULTS", "(x) mx.example.com 1;\n spf=pass"),
        ("Received-Spf", "fail"),
        ("Authentication-Results", "third.example; none"),
    ];

    #[test]
    fn forged_fields_go_from_the_highest_index_downwards() {
        let remove = "received_spf.forged = \"remove\"\nauthentication_results.add = true";
        assert_eq!(
            cleaned(remove, &FIELDS),
            "delheader 2 Received-SPF\ndelheader 1 Received-SPF\n\
             delheader 3 Authentication-Results\ndelheader 2 Authentication-Results"
        );
    }

    #[test]
    fn renamed_fields_are_put_on_top_the_last_one_first() {
        let rename = "received_spf.forged = \"rename\"\nauthentication_results.forged = \"rename\"";
        insta::assert_snapshot!(cleaned(rename, &FIELDS));
    }

    #[test]
    fn by_default_all_fields_stay() {
        assert_eq!(cleaned("", &FIELDS), "");
    }

    #[test]
    fn a_flood_of_fields_is_taken_out_and_not_kept() {
        let value = "x".repeat(10_000);
        let fields = vec![("Received-SPF", value.as_str()); 1_000];
        let text = cleaned("received_spf.forged = \"rename\"", &fields);
        assert_eq!(text.matches("delheader").count(), 1_000);
        assert!(text.matches("insheader").count() < 30);
    }
}
