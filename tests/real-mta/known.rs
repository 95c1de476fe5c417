//! Where the fake MTA does not do what the real one does, and why it never will. One that starts to be equal fails.

/// Why the two differ in the test of that name, if that is known.
pub(crate) fn reason(name: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(known, _)| *known == name).map(|(_, reason)| *reason)
}

/// Says on standard output what is known to differ.
pub(crate) fn report() {
    for (name, reason) in KNOWN {
        println!("known to differ: {name}: {reason}");
    }
}

const KNOWN: [(&str, &str); 1] = [(
    "milter__unknown-command__accept__postfix",
    "Postfix 3.7.11 panics at MAIL (`milter8_mail_event: bad state 7`) after a milter has accepted at an unknown command",
)];
