//! What is tried, group by group.

mod answers;
mod content;
mod disconnect;
mod edits;
mod load;
mod macros;
mod message;
mod negotiate;
mod order;
mod state;
mod transport;

use super::case::Case;

/// All cases, in the order in which they are played: what is most likely to bring a milter down comes last.
pub fn all() -> Vec<Case> {
    let groups = [
        negotiate::cases(),
        order::cases(),
        message::cases(),
        state::cases(),
        edits::cases(),
        answers::cases(),
        macros::cases(),
        content::cases(),
        transport::cases(),
        disconnect::cases(),
        load::cases(),
    ];
    groups.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_case_has_an_id_of_its_own_and_says_why_it_is_there() {
        let all = all();
        let ids: BTreeSet<&str> = all.iter().map(|case| case.id.as_str()).collect();
        assert_eq!(ids.len(), all.len());
        for case in &all {
            assert!(case.id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_".contains(&byte)), "{}", case.id);
            for text in [case.title.as_str(), case.reason, case.standard, case.seen] {
                assert!(!text.is_empty() && !text.ends_with('.'), "{}: {text:?}", case.id);
            }
        }
    }
}
