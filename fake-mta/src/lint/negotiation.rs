//! The filter's answer to the offer.

use milter_proto::{Frame, MacroStage, Negotiate, codes};

use super::Lint;

/// What is wrong with the answer, and what of it can be read.
pub(super) fn check(frame: &Frame, offer: &Negotiate) -> (Negotiate, Vec<(Lint, String)>) {
    if frame.code != codes::NEGOTIATE || frame.payload.len() < FIXED_BYTES {
        let detail = format!("code 0x{:02x}, {} bytes", frame.code, frame.payload.len());
        return (Negotiate::default(), vec![(Lint::NegotiateMalformed, detail)]);
    }
    let answer = Negotiate::parse_lenient(&frame.payload);
    let mut found = Vec::new();
    if answer.version < VERSION_MIN || answer.version > offer.version {
        found.push((Lint::NegotiateVersion, format!("{}, offered {}", answer.version, offer.version)));
    }
    let actions = answer.actions.without(offer.actions);
    if !actions.is_empty() {
        found.push((Lint::NegotiateActions, actions.to_string()));
    }
    let protocol = answer.protocol.without(offer.protocol);
    if !protocol.is_empty() {
        found.push((Lint::NegotiateProtocol, protocol.to_string()));
    }
    found.extend(symlists(&frame.payload[FIXED_BYTES..]));
    (answer, found)
}

/// What is wrong with the macro lists; each thing once.
fn symlists(mut rest: &[u8]) -> Vec<(Lint, String)> {
    let mut found: Vec<(Lint, String)> = Vec::new();
    let mut add = |lint, detail: String| {
        if !found.iter().any(|(known, _)| *known == lint) {
            found.push((lint, detail));
        }
    };
    let mut stages = Vec::new();
    while !rest.is_empty() {
        let entry = rest
            .split_first_chunk::<4>()
            .and_then(|(stage, after)| Some((u32::from_be_bytes(*stage), after, after.iter().position(|&b| b == 0)?)));
        let Some((stage, after, end)) = entry else {
            add(Lint::SymlistMalformed, "the list has no end".to_owned());
            break;
        };
        match MacroStage::from_u32(stage) {
            Some(stage) if stages.contains(&stage) => add(Lint::SymlistMalformed, format!("a second list for {stage}")),
            Some(stage) => stages.push(stage),
            None => add(Lint::SymlistMalformed, format!("there is no stage {stage}")),
        }
        let names = names(&after[..end]);
        if let Some(bad) = names.iter().find(|name| !is_name(name)) {
            add(Lint::SymlistMalformed, format!("`{}` is no macro", String::from_utf8_lossy(bad).escape_debug()));
        }
        if names.len() > NAMES_MAX {
            add(Lint::SymlistTooLong, format!("{} names", names.len()));
        }
        rest = &after[end + 1..];
    }
    let has = |stage| stages.contains(&stage);
    if has(MacroStage::Eom) != has(MacroStage::Eoh) {
        let alone = if has(MacroStage::Eom) { "eom" } else { "eoh" };
        add(Lint::SymlistEomAlone, format!("{alone} alone"));
    }
    found
}

fn names(list: &[u8]) -> Vec<&[u8]> {
    list.split(|byte| matches!(byte, b' ' | b',')).filter(|name| !name.is_empty()).collect()
}

/// One character, or more of them in braces.
fn is_name(name: &[u8]) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    match name {
        [one] => is_word(one),
        [b'{', inner @ .., b'}'] => !inner.is_empty() && inner.iter().all(is_word),
        _ => false,
    }
}

/// Version, actions, protocol steps.
const FIXED_BYTES: usize = 12;

/// The oldest version that anybody speaks.
const VERSION_MIN: u32 = 2;

/// So many names sendmail takes for a stage.
const NAMES_MAX: usize = 50;

#[cfg(test)]
mod tests {
    use milter_proto::{Actions, Protocol, Reply};

    use super::*;

    fn ids(payload: &[u8]) -> Vec<&'static str> {
        let frame = Frame { code: b'O', payload: payload.to_vec() };
        check(&frame, &Negotiate::offer(6)).1.into_iter().map(|(lint, _)| lint.id()).collect()
    }

    fn answer(answer: Negotiate) -> Vec<u8> {
        let mut packet = Vec::new();
        Reply::Negotiate(answer).encode(&mut packet);
        packet.split_off(5)
    }

    #[test]
    fn an_answer_takes_no_more_than_was_offered() {
        let offer = Negotiate::offer(6);
        assert_eq!(ids(&answer(offer.clone())), [""; 0]);
        assert_eq!(ids(&answer(Negotiate { version: 7, ..offer.clone() })), ["negotiate-version"]);
        assert_eq!(ids(&answer(Negotiate { version: 1, ..offer.clone() })), ["negotiate-version"]);
        let actions = Actions::from_bits(0x200);
        assert_eq!(ids(&answer(Negotiate { actions, ..offer.clone() })), ["negotiate-actions"]);
        let protocol = Protocol::from_bits(0x20_0000);
        assert_eq!(ids(&answer(Negotiate { protocol, ..offer })), ["negotiate-protocol"]);
        assert_eq!(ids(&[0; 11]), ["negotiate-malformed"]);
        let other = Frame { code: b'c', payload: Vec::new() };
        assert_eq!(check(&other, &Negotiate::offer(6)).1[0].0, Lint::NegotiateMalformed);
    }

    #[test]
    fn macro_lists_are_whole_and_for_stages_that_exist() {
        let lists = |lists: &[(u32, &[u8])]| {
            let symlists = lists.iter().map(|(stage, names)| (*stage, names.to_vec())).collect();
            ids(&answer(Negotiate { symlists, ..Negotiate::offer(6) }))
        };
        assert_eq!(lists(&[(0, b"j, {client_addr}"), (5, b"i"), (6, b"")]), [""; 0]);
        assert_eq!(lists(&[(7, b"i")]), ["symlist-malformed"]);
        assert_eq!(lists(&[(0, b"j"), (0, b"v")]), ["symlist-malformed"]);
        assert_eq!(lists(&[(0, b"client_addr")]), ["symlist-malformed"]);
        assert_eq!(lists(&[(5, b"i")]), ["symlist-eom-alone"]);
        assert_eq!(lists(&[(6, b"i")]), ["symlist-eom-alone"]);
        assert_eq!(lists(&[(2, b"i ".repeat(51).as_slice())]), ["symlist-too-long"]);
        let whole = answer(Negotiate { symlists: vec![(0, b"j".to_vec())], ..Negotiate::offer(6) });
        assert_eq!(ids(&whole[..whole.len() - 1]), ["symlist-malformed"]);
    }
}
