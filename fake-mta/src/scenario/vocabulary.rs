//! Closed vocabularies: the words a place allows, and what was perhaps meant.

/// A word that its place does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} `{word}`")]
pub struct Unknown {
    /// What kind of word was looked for: `profile`, `key`.
    pub what: &'static str,
    /// The word that came.
    pub word: String,
    /// How to mend it: the nearest known word, or all of them.
    pub help: String,
}

impl Unknown {
    /// Says that `word` is not one of `known`.
    pub fn new<'a>(what: &'static str, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        Self { what, word: word.to_owned(), help: did_you_mean(word, &known) }
    }
}

/// Finds `word` in a table of words.
///
/// # Errors
/// [`Unknown`] with the nearest word.
pub(super) fn lookup<T: Clone>(what: &'static str, word: &str, table: &[(&str, T)]) -> Result<T, Unknown> {
    match table.iter().find(|(name, _)| *name == word) {
        Some((_, value)) => Ok(value.clone()),
        None => Err(Unknown::new(what, word, table.iter().map(|(name, _)| *name))),
    }
}

/// `did you mean …?` where a known word is near, else the list of all.
pub(crate) fn did_you_mean(word: &str, known: &[&str]) -> String {
    if let Some(near) = nearest(word, known.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    match known {
        [] => "nothing is allowed here".to_owned(),
        [only] => format!("only `{only}` is known here"),
        _ => format!("known: {}", known.join(", ")),
    }
}

/// The known word that is nearest, if one is near enough to be a slip of the pen.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::osa_distance(&lower, &name.to_lowercase()), name))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, name)| *distance <= 1 + name.chars().count() / 5 && *distance < name.chars().count())
        .map(|(_, name)| name)
}

/// The text that resembles `text` most, if any does by half.
pub(crate) fn most_similar<'a>(text: &str, others: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let cut = |text: &str| text.chars().take(MAX_COMPARED_CHARS).collect::<String>();
    let text = cut(text);
    others
        .into_iter()
        .map(|other| (strsim::sorensen_dice(&text, &cut(other)), other))
        .filter(|(similarity, _)| *similarity >= 0.5)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, other)| other)
}

/// So much of a long line is looked at.
const MAX_COMPARED_CHARS: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word() {
        assert_eq!(did_you_mean("cleint", &["client", "dialogue"]), "did you mean `client`?");
        assert_eq!(did_you_mean("Close", &["close", "wait"]), "did you mean `close`?");
    }

    #[test]
    fn a_strange_word_gets_the_list() {
        assert_eq!(did_you_mean("banana", &["close", "wait"]), "known: close, wait");
        assert_eq!(did_you_mean("x", &["a"]), "only `a` is known here");
    }
}
