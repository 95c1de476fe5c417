//! Values that shells complete.

use std::ffi::OsStr;

use clap::{
    Arg, Command, Error,
    builder::{PossibleValue, TypedValueParser},
};

/// A parser of values that tells shells of the words which it takes. It may take others too.
#[derive(Clone, Debug)]
pub(super) struct Suggesting<P> {
    inner: P,
    words: Vec<&'static str>,
}

/// Adds the words to a parser.
pub(super) fn suggesting<P>(inner: P, words: impl IntoIterator<Item = &'static str>) -> Suggesting<P> {
    Suggesting { inner, words: words.into_iter().collect() }
}

impl<P: TypedValueParser> TypedValueParser for Suggesting<P> {
    type Value = P::Value;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<P::Value, Error> {
        self.inner.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.words.iter().map(PossibleValue::new)))
    }
}
