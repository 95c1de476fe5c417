//! The nearest name of a zone to one that is not in it.

use std::fmt;

use crate::{Name, RecordType};

/// What a store has instead of the record asked for; its text is a sentence for people:
/// `no record for _spf.exmaple.com TXT; closest in the zone: _spf.example.com TXT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMiss {
    /// The name asked for.
    pub name: Name,
    /// The type asked for.
    pub rtype: RecordType,
    /// The closest owner, which is the name itself when only the type is missing.
    pub owner: Name,
    /// The types this owner has, in ascending order.
    pub types: Vec<RecordType>,
}

impl NearMiss {
    /// The best of `owners`, each with its types; `None` if the record is among them or nothing is close.
    pub(crate) fn find<'a>(
        name: &Name,
        rtype: RecordType,
        owners: impl Iterator<Item = (&'a Name, Vec<RecordType>)>,
    ) -> Option<Self> {
        let asked = name.to_lowercase().to_string();
        let allowed = (asked.len() / 4).max(2);
        let mut best: Option<(usize, bool, Self)> = None;
        for (owner, types) in owners.take(MAX_OWNERS) {
            let text = owner.to_lowercase().to_string();
            // Two lengths that far apart cannot be near; this also keeps the work down.
            if text.len().abs_diff(asked.len()) > allowed {
                continue;
            }
            let distance = strsim::osa_distance(&asked, &text);
            let lacks_type = !types.contains(&rtype);
            let better = best.as_ref().is_none_or(|(least, lacked, _)| (distance, lacks_type) < (*least, *lacked));
            if distance <= allowed && better {
                best = Some((distance, lacks_type, Self { name: name.clone(), rtype, owner: owner.clone(), types }));
            }
        }
        best.filter(|(distance, lacks_type, _)| *distance > 0 || *lacks_type).map(|(_, _, near)| near)
    }
}

impl fmt::Display for NearMiss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, rtype, owner, types } = self;
        write!(f, "no record for {} {rtype}; ", name.to_lowercase().to_text_without_dot())?;
        let owner_text = owner.to_text_without_dot();
        if name != owner && types.contains(rtype) {
            return write!(f, "closest in the zone: {owner_text} {rtype}");
        }
        let types: Vec<_> = types.iter().map(ToString::to_string).collect();
        let types = types.join(", ");
        if name == owner {
            write!(f, "the name has {types}")
        } else {
            write!(f, "closest in the zone: {owner_text}, which has {types}")
        }
    }
}

/// No more owners are compared: the hint is not worth more time.
const MAX_OWNERS: usize = 5000;

#[cfg(test)]
mod tests {
    use crate::{ParseOptions, RecordType, Store, parse};

    fn hint(name: &str, rtype: RecordType) -> String {
        let text =
            "_spf.example.com TXT x\nexample.com A 192.0.2.1\nexample.com MX 10 m\nmail.example.com A 192.0.2.2\n";
        let store: Store = parse(text, &ParseOptions::default()).unwrap().into_iter().collect();
        store.near_miss(&name.parse().unwrap(), rtype).map(|near| near.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_slip_in_the_name_finds_the_owner() {
        let expected = "no record for _spf.exmaple.com TXT; closest in the zone: _spf.example.com TXT";
        assert_eq!(hint("_spf.exMAple.com", RecordType::TXT), expected);
        let expected = "no record for mial.example.com TXT; closest in the zone: mail.example.com, which has A";
        assert_eq!(hint("mial.example.com", RecordType::TXT), expected);
    }

    #[test]
    fn a_missing_type_names_the_types_there() {
        assert_eq!(hint("example.com", RecordType::TXT), "no record for example.com TXT; the name has A, MX");
    }

    #[test]
    fn what_is_there_or_far_away_has_no_hint() {
        assert_eq!(hint("example.com", RecordType::A), "");
        assert_eq!(hint("something.quite.different.test", RecordType::A), "");
    }
}
