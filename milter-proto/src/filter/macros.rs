//! [`MacroStore`]: the macro values that the MTA sent.

use crate::{MacroStage, ProtocolError, limits};

/// The macros of a session, kept by the stage they came with.
///
/// A later block for a stage replaces the one before. What came with connect, helo, envfrom or envrcpt lasts until the
/// same stage comes again; the stages after it are forgotten then.
#[derive(Debug, Clone, Default)]
pub struct MacroStore {
    stages: [Vec<Pair>; 7],
}

/// A name without braces, and its value.
type Pair = (Vec<u8>, Vec<u8>);

impl MacroStore {
    /// The value of a macro, by its name with or without braces; the latest stage that has it wins.
    #[doc(alias = "smfi_getsymval")]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let name = without_braces(name.as_bytes());
        let found = |stage: MacroStage| self.stage(stage).iter().rev().find(|(key, _)| key == name);
        SEARCH.into_iter().find_map(found).map(|(_, value)| value.as_slice())
    }

    /// The macros of one stage as they came: names without braces, and values.
    pub fn of_stage(&self, stage: MacroStage) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.stage(stage).iter().map(|(name, value)| (name.as_slice(), value.as_slice()))
    }

    /// Takes a block of macros for the command with that code. Blocks for commands without a stage are dropped.
    pub(super) fn set(&mut self, for_command: u8, pairs: Vec<Pair>) -> Result<(), ProtocolError> {
        let Some(stage) = MacroStage::of_command(for_command) else { return Ok(()) };
        let others = self.stages.iter().enumerate().filter(|(index, _)| *index != stage as usize);
        let bytes = size(&pairs) + others.map(|(_, pairs)| size(pairs)).sum::<usize>();
        if bytes > limits::MACRO_BYTES_MAX {
            return Err(ProtocolError::MacroBytes { bytes, limit: limits::MACRO_BYTES_MAX });
        }
        let bare = |(name, value): Pair| (without_braces(&name).to_vec(), value);
        self.stages[stage as usize] = pairs.into_iter().map(bare).collect();
        Ok(())
    }

    /// Forgets what came with later stages than the command with that code.
    pub(super) fn enter(&mut self, command: u8) {
        let Some(stage) = MacroStage::of_command(command) else { return };
        if stage > MacroStage::Envrcpt {
            return;
        }
        self.stages[stage as usize + 1..].iter_mut().for_each(Vec::clear);
    }

    /// Forgets everything: another SMTP session begins.
    pub(super) fn clear(&mut self) {
        self.stages.iter_mut().for_each(Vec::clear);
    }

    fn stage(&self, stage: MacroStage) -> &[Pair] {
        &self.stages[stage as usize]
    }
}

fn size(pairs: &[Pair]) -> usize {
    pairs.iter().map(|(name, value)| name.len() + value.len()).sum()
}

fn without_braces(name: &[u8]) -> &[u8] {
    name.strip_prefix(b"{").and_then(|name| name.strip_suffix(b"}")).unwrap_or(name)
}

/// The stages from the last to the first. The end of the header comes before the end of the message, whatever the
/// numbers.
const SEARCH: [MacroStage; 7] = [
    MacroStage::Eom,
    MacroStage::Eoh,
    MacroStage::Data,
    MacroStage::Envrcpt,
    MacroStage::Envfrom,
    MacroStage::Helo,
    MacroStage::Connect,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<Pair> {
        list.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
    }

    fn store(blocks: &[(u8, &[(&str, &str)])]) -> MacroStore {
        let mut store = MacroStore::default();
        for (command, list) in blocks {
            store.set(*command, pairs(list)).expect("few macros");
        }
        store
    }

    #[test]
    fn names_are_found_with_and_without_braces() {
        let store = store(&[(b'C', &[("j", "mx"), ("{daemon_name}", "MTA")])]);
        for name in ["j", "{j}"] {
            assert_eq!(store.get(name), Some(&b"mx"[..]));
        }
        for name in ["daemon_name", "{daemon_name}"] {
            assert_eq!(store.get(name), Some(&b"MTA"[..]));
        }
        assert_eq!(store.get("i"), None);
        assert_eq!(store.get(""), None);
    }

    #[test]
    fn the_latest_stage_and_the_latest_block_win() {
        let store = store(&[
            (b'E', &[("i", "eom")]),
            (b'N', &[("i", "eoh"), ("x", "eoh")]),
            (b'M', &[("i", "mail"), ("y", "gone")]),
            (b'M', &[("i", "mail")]),
        ]);
        assert_eq!(store.get("i"), Some(&b"eom"[..]));
        assert_eq!(store.get("x"), Some(&b"eoh"[..]));
        assert_eq!(store.get("y"), None);
    }

    #[test]
    fn a_new_recipient_forgets_what_came_after_the_one_before() {
        let mut store =
            store(&[(b'M', &[("a", "1")]), (b'R', &[("b", "2")]), (b'T', &[("c", "3")]), (b'E', &[("d", "4")])]);
        store.enter(b'R');
        assert_eq!(["a", "b", "c", "d"].map(|name| store.get(name).is_some()), [true, true, false, false]);
        store.enter(b'N');
        store.enter(b'M');
        assert_eq!(["a", "b"].map(|name| store.get(name).is_some()), [true, false]);
    }

    #[test]
    fn blocks_for_commands_without_a_stage_are_dropped() {
        let store = store(&[(b'L', &[("i", "1")]), (b'B', &[("i", "1")]), (b'U', &[]), (0, &[])]);
        assert_eq!(store.get("i"), None);
    }

    #[test]
    fn the_macros_of_all_stages_share_one_limit() {
        let block = || vec![(b"a".to_vec(), vec![b'x'; limits::MACRO_BYTES_MAX / 2])];
        let mut store = MacroStore::default();
        assert!(store.set(b'C', block()).is_ok());
        assert!(store.set(b'C', block()).is_ok(), "a block takes the place of the one before");
        let error = store.set(b'H', block()).expect_err("it is two bytes too many");
        assert_eq!(error.to_string(), "262146 bytes of macros are over the limit of 262144");
    }
}
