//! The tables `received_spf` and `authentication_results`.

use super::model::{AuthenticationResultsStyle, Forged, HeaderStyles, Position, ReceivedSpfStyle};
use super::read::parse_hostname;
use super::table::TableReader;
use crate::diagnostic::Problem;
use crate::judge::ShownKeys;

/// Reads what is written into the headers of messages, and what is taken out.
pub(super) fn read_headers(reader: &mut TableReader<'_>) -> HeaderStyles {
    let mut styles = HeaderStyles {
        received_spf: Some(ReceivedSpfStyle { position: Position::Insert, show: ShownKeys::Keys, helo: false }),
        comment: None,
        authentication_results: None,
        authserv_id: None,
        forged_received_spf: Forged::Keep,
        forged_authentication_results: Forged::Keep,
    };
    read_received_spf(reader, &mut styles);
    read_authentication_results(reader, &mut styles);
    styles
}

fn read_received_spf(reader: &mut TableReader<'_>, styles: &mut HeaderStyles) {
    let Some(mut table) = reader.table("received_spf") else {
        return;
    };
    let add = table.boolean("add").unwrap_or(true);
    let position = table.choice("position", &Position::WORDS).unwrap_or(Position::Insert);
    let keys = table.boolean("keys").unwrap_or(true);
    let evidence = table.boolean("evidence").unwrap_or(false);
    let show = match (keys, evidence) {
        (false, _) => ShownKeys::None,
        (true, false) => ShownKeys::Keys,
        (true, true) => ShownKeys::Evidence,
    };
    if let Some(place) = table.place("evidence").filter(|_| evidence && !keys) {
        table.problem(Problem::new(place, "evidence is shown in the key-value list, and `keys` is false"));
    }
    let helo = table.boolean("helo").unwrap_or(false);
    styles.comment = table.template("comment");
    if let Some(place) =
        table.place("comment").filter(|_| styles.comment.as_ref().is_some_and(|text| text.uses("rcpt")))
    {
        table.problem(Problem::new(place, "a header is for all recipients: %{rcpt} is none of them"));
    }
    styles.forged_received_spf = table.choice("forged", &Forged::WORDS).unwrap_or(Forged::Keep);
    styles.received_spf = add.then_some(ReceivedSpfStyle { position, show, helo });
    if !add {
        refuse_idle(&table, &["position", "keys", "evidence", "helo", "comment"]);
    }
    table.finish();
}

fn read_authentication_results(reader: &mut TableReader<'_>, styles: &mut HeaderStyles) {
    let Some(mut table) = reader.table("authentication_results") else {
        return;
    };
    let add = table.boolean("add").unwrap_or(false);
    styles.authserv_id = table.parsed("authserv_id", |text, span| parse_hostname("authserv_id", text, span));
    let full_address = table.choice("address", &[("domain", false), ("full", true)]).unwrap_or(false);
    let evidence = table.boolean("evidence").unwrap_or(false);
    // RFC 8601 section 5: who writes the field must take those out that claim to be from the same place.
    let usual = if add { Forged::Remove } else { Forged::Keep };
    styles.forged_authentication_results = table.choice("forged", &Forged::WORDS).unwrap_or(usual);
    styles.authentication_results = add.then_some(AuthenticationResultsStyle { full_address, evidence });
    if !add {
        refuse_idle(&table, &["address", "evidence"]);
    }
    table.finish();
}

/// Refuses keys that say how a field looks that is not written.
fn refuse_idle(table: &TableReader<'_>, keys: &[&str]) {
    for (key, place) in keys.iter().filter_map(|key| table.place(key).map(|place| (key, place))) {
        let what = format!("`{}` means nothing where the field is not added", table.path(key));
        table.problem(Problem::new(place, what).hint(format!("set {} = true", table.path("add"))));
    }
}
