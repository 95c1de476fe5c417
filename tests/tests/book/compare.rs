//! Whether what came is what the page shows.

/// Compares line by line; `...` is any number of lines.
pub(crate) fn fits(expected: &[String], came: &[String]) -> bool {
    match expected.split_first() {
        None => came.is_empty(),
        Some((first, rest)) if first.trim() == "..." => (0..=came.len()).any(|skipped| fits(rest, &came[skipped..])),
        Some((first, rest)) => {
            came.split_first().is_some_and(|(line, others)| line_fits(first, line) && fits(rest, others))
        }
    }
}

fn line_fits(expected: &str, came: &str) -> bool {
    let (expected, came) = (settled(expected), settled(came));
    let mut pieces = expected.trim_end().split("[..]");
    let first = pieces.next().expect("a split has a first piece");
    let Some(mut rest) = came.trim_end().strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Times in parentheses are what they are on this machine: `(0.025 s)` becomes `([..] s)` on both sides.
fn settled(line: &str) -> String {
    let Some((before, rest)) = line.split_once('(') else { return line.to_owned() };
    match rest.split_once(" s)") {
        Some((number, after))
            if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') =>
        {
            format!("{before}(- s){}", settled(after))
        }
        _ => format!("{before}({}", settled(rest)),
    }
}

/// Shows that a difference is seen. The runner is its own harness, so that this is a test like a page.
pub(crate) fn elisions_and_times_stand_for_what_they_say() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    for (expected, came) in [
        ("ok a (0.1 s)\n1 passed", "ok a (12.345 s)\n1 passed"),
        ("...\nlast", "one\ntwo\nlast"),
        ("a [..] c", "a b c"),
        ("[..]", "anything"),
    ] {
        assert!(fits(&lines(expected), &lines(came)), "{expected} ~ {came}");
    }
    for (expected, came) in
        [("a", "b"), ("a", "a\nb"), ("a", ""), ("a\n...\nb", "a\nc"), ("a [..] c", "a b d"), ("(x s)", "(y s)")]
    {
        assert!(!fits(&lines(expected), &lines(came)), "{expected} !~ {came}");
    }
}
