//! Names: text, order, limits.

use proptest::prelude::*;

use super::*;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

#[test]
fn escapes_are_decimal_bytes() {
    let parsed = name(r"a\046b\255\\.example");
    assert_eq!(parsed.labels().next().unwrap(), b"a.b\xff\\");
    assert_eq!(parsed.to_string(), r"a\.b\255\\.example.");
}

#[test]
fn case_is_kept_and_ignored() {
    let (upper, lower) = (name("ExAmPle.COM"), name("example.com"));
    assert_eq!(upper, lower);
    assert_eq!(upper.cmp(&lower), Ordering::Equal);
    assert_eq!(upper.to_string(), "ExAmPle.COM.");
    let set: std::collections::HashSet<_> = [upper, lower].into();
    assert_eq!(set.len(), 1);
}

#[test]
fn only_ascii_letters_fold() {
    assert_ne!(name(r"\192"), name(r"\224"));
    assert_ne!(name("["), name("{"));
}

#[test]
fn limits_are_63_and_255() {
    assert!(Name::parse("a".repeat(63)).is_ok());
    assert_eq!(Name::parse("a".repeat(64)), Err(NameError::LabelTooLong { length: 64 }));
    let long = vec!["a".repeat(63); 3].join(".");
    assert!(Name::parse(format!("{long}.{}", "b".repeat(61))).is_ok());
    assert_eq!(Name::parse(format!("{long}.{}", "b".repeat(62))), Err(NameError::TooLong));
}

#[test]
fn bad_texts_are_refused() {
    for (text, error) in [
        ("", NameError::Empty),
        ("..", NameError::EmptyLabel),
        (".a", NameError::EmptyLabel),
        ("a..b", NameError::EmptyLabel),
        (r"a\", NameError::BadEscape),
        (r"a\25", NameError::BadEscape),
        (r"a\256", NameError::BadEscape),
    ] {
        assert_eq!(Name::parse(text), Err(error), "{text}");
    }
}

#[test]
fn relative_names_take_the_origin() {
    let origin = name("example.com");
    assert_eq!(Name::parse_relative("www", &origin).unwrap(), name("www.example.com"));
    assert_eq!(Name::parse_relative("www.", &origin).unwrap(), name("www"));
    assert_eq!(Name::parse_relative("@", &origin).unwrap(), origin);
    assert_eq!(Name::parse_relative(r"\@", &origin).unwrap().to_string(), r"\@.example.com.");
}

#[test]
fn dotted_text_has_no_escapes() {
    let odd = Name::from_dotted(b"a\\b\x00.example.com.").unwrap();
    assert_eq!(odd.to_string(), r"a\\b\000.example.com.");
    assert_eq!(Name::from_dotted(".").unwrap(), Name::root());
    assert_eq!(Name::from_dotted("a..b"), Err(NameError::EmptyLabel));
}

#[test]
fn order_is_canonical() {
    // The example of RFC 4034 §6.1.
    let sorted = [
        "example",
        "a.example",
        "yljkjljk.a.example",
        "Z.a.example",
        "zABC.a.EXAMPLE",
        "z.example",
        r"\001.z.example",
        "*.z.example",
        r"\200.z.example",
    ];
    let mut names: Vec<_> = sorted.iter().rev().map(|text| name(text)).collect();
    names.sort();
    assert_eq!(names, sorted.map(name));
}

#[test]
fn ancestry_is_by_label() {
    let below = name("www.example.com");
    assert!(below.is_at_or_below(&name("EXAMPLE.com")));
    assert!(below.is_at_or_below(&below));
    assert!(below.is_at_or_below(&Name::root()));
    assert!(!name("wwwexample.com").is_at_or_below(&name("example.com")));
    assert!(!name("com").is_at_or_below(&below));
    assert_eq!(below.ancestors_and_self().count(), 4);
}

proptest! {
    #[test]
    fn any_labels_print_and_parse_back(labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..=63), 0..4)) {
        let Ok(name) = Name::from_labels(&labels) else { return Ok(()) };
        let text = name.to_string();
        prop_assert!(text.bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
        let back = Name::parse(&text).unwrap();
        prop_assert!(back.labels().eq(labels.iter().map(Vec::as_slice)));
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(name) = Name::parse(&text) {
            prop_assert!(name.to_wire().len() <= MAX_NAME_BYTES);
        }
    }
}
