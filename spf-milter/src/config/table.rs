//! Reading a TOML table key by key, with the place of every value and all problems collected.

use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Problem, did_you_mean};
use crate::template::{Template, TemplateError};

/// A value together with its place in the file.
pub(super) type Placed<T> = Spanned<T>;

/// Problems found so far: shared by the readers of all tables of a file.
pub(super) type Found = RefCell<Vec<Problem>>;

/// One entry of a table whose keys are free.
pub(super) struct Entry<'a> {
    /// The key.
    pub(super) key: &'a str,
    /// Where the key stands.
    pub(super) place: Range<usize>,
    /// The value.
    pub(super) value: &'a Spanned<DeValue<'a>>,
}

/// Hands out the values of one table; what nobody asked for is an unknown key.
pub(super) struct TableReader<'a> {
    name: String,
    source: &'a str,
    table: &'a DeTable<'a>,
    asked: Vec<&'static str>,
    found: &'a Found,
}

impl<'a> TableReader<'a> {
    /// Reads the file's outermost table.
    pub(super) fn new(source: &'a str, table: &'a DeTable<'a>, found: &'a Found) -> Self {
        Self { name: String::new(), source, table, asked: Vec::new(), found }
    }

    /// The place and the value of `key`, if it is there.
    pub(super) fn value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.ask(key);
        self.table.get(key)
    }

    /// The place of the value of `key`, if it is there; it does not count as asked for.
    pub(super) fn place(&self, key: &str) -> Option<Range<usize>> {
        self.table.get(key).map(Spanned::span)
    }

    /// The place of a value by its path, as in `exempt.networks`.
    pub(super) fn place_of(&self, path: &str) -> Option<Range<usize>> {
        let mut table = self.table;
        let mut keys = path.split('.').peekable();
        while let Some(key) = keys.next() {
            let value = table.get(key)?;
            if keys.peek().is_none() {
                return Some(value.span());
            }
            table = value.get_ref().as_table()?;
        }
        None
    }

    /// A string as it was read; it does not count as asked for.
    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.table.get(key)?.get_ref().as_str()
    }

    /// Notes that there is such a key.
    pub(super) fn ask(&mut self, key: &'static str) {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
    }

    /// The entries of a table whose keys are free, with the places of keys and values.
    pub(super) fn entries(&mut self, key: &'static str) -> Vec<Entry<'a>> {
        let Some(table) = self.table(key) else { return Vec::new() };
        table.table.iter().map(|(key, value)| Entry { key: key.get_ref(), place: key.span(), value }).collect()
    }

    /// A string.
    pub(super) fn string(&mut self, key: &'static str) -> Option<Placed<String>> {
        let value = self.value(key)?;
        let text = value.get_ref().as_str().map(|text| Spanned::new(value.span(), text.to_owned()));
        text.or_else(|| self.wrong_type(key, "a string", value))
    }

    /// A string that `parse` understands; what it says of others becomes the problem.
    pub(super) fn parsed<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str, Range<usize>) -> Result<T, Problem>,
    ) -> Option<T> {
        let text = self.string(key)?;
        self.keep(parse(text.get_ref(), text.span()))
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let value = self.value(key)?;
        value.get_ref().as_bool().or_else(|| self.wrong_type(key, "true or false", value))
    }

    /// A text in which all macros of the configuration may stand.
    pub(super) fn template(&mut self, key: &'static str) -> Option<Template> {
        let place = self.place(key).unwrap_or_default();
        let template = self.macro_string(key, Template::parse);
        if template.is_some() && self.text(key) == Some("") {
            let problem = Problem::new(place, format!("`{}` is empty", self.path(key)));
            self.problem(problem.hint("take the key away for the usual text"));
        }
        template
    }

    /// A macro-string; an error in it is shown at its own place.
    pub(super) fn macro_string<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, TemplateError>,
    ) -> Option<T> {
        let source = self.source;
        self.parsed(key, |text, span| {
            parse(text).map_err(|error| {
                // A string without escapes stands in the file as it is, behind one quote or three and a line end:
                // then the place is exact.
                let starts = [1, 3, 4, 5].map(|quotes| span.start + quotes);
                let is_text = |start: &usize| source.get(*start..).is_some_and(|rest| rest.starts_with(text));
                let place = match starts.into_iter().find(is_text) {
                    Some(start) => start + error.span.start..start + error.span.end,
                    None => span,
                };
                Problem::new(place, error.what).hint(error.hint)
            })
        })
    }

    /// A whole number within `range`.
    pub(super) fn number(&mut self, key: &'static str, range: RangeInclusive<u32>) -> Option<u32> {
        self.placed_number(key, range).map(Spanned::into_inner)
    }

    /// A whole number within `range`, with its place.
    pub(super) fn placed_number<T: TryFrom<u32>>(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u32>,
    ) -> Option<Spanned<T>> {
        let value = self.value(key)?;
        let Some(digits) = value.get_ref().as_integer() else {
            return self.wrong_type(key, "a whole number", value);
        };
        let number = i64::from_str_radix(digits.as_str(), digits.radix()).ok().and_then(|n| u32::try_from(n).ok());
        let within = number.filter(|number| range.contains(number));
        if within.is_none() {
            let what = format!("`{}` must be between {} and {}", self.path(key), range.start(), range.end());
            self.problem(Problem::new(value.span(), what));
        }
        within.and_then(|number| T::try_from(number).ok()).map(|number| Spanned::new(value.span(), number))
    }

    /// One word out of a closed list.
    pub(super) fn choice<T: Copy>(&mut self, key: &'static str, words: &[(&'static str, T)]) -> Option<T> {
        let path = self.path(key);
        self.parsed(key, |text, span| choose(&path, text, span, words))
    }

    /// A table inside this one.
    pub(super) fn table(&mut self, key: &'static str) -> Option<Self> {
        let value = self.value(key)?;
        let Some(table) = value.get_ref().as_table() else {
            return self.wrong_type(key, "a table", value);
        };
        Some(Self { name: self.path(key), source: self.source, table, asked: Vec::new(), found: self.found })
    }

    /// Notes a problem that the caller has found.
    pub(super) fn problem(&self, problem: Problem) {
        self.found.borrow_mut().push(problem);
    }

    /// The good value, or a noted problem.
    pub(super) fn keep<T>(&self, parsed: Result<T, Problem>) -> Option<T> {
        parsed.map_err(|problem| self.problem(problem)).ok()
    }

    /// The key with the names of the tables around it, as in `policy.fail.code`.
    pub(super) fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    /// Notes a value of the wrong type.
    pub(super) fn wrong_type<T>(&self, key: &str, wanted: &str, value: &Spanned<DeValue<'_>>) -> Option<T> {
        let what = format!("`{}` must be {wanted}, not {}", self.path(key), type_name(value.get_ref()));
        self.problem(Problem::new(value.span(), what));
        None
    }

    /// Refuses the keys that nobody asked for.
    pub(super) fn finish(self) {
        for (key, _) in self.table {
            let word: &str = key.get_ref();
            if self.asked.contains(&word) {
                continue;
            }
            let place = if self.name.is_empty() { String::new() } else { format!(" in `{}`", self.name) };
            let what = format!("unknown key `{}`{place}", word.escape_default());
            let hint = did_you_mean(word, &self.asked).map_or_else(
                || format!("the keys here are {}", self.asked.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            self.problem(Problem::new(key.span(), what).hint(hint));
        }
    }
}

/// The value that `text` names in `words`.
pub(super) fn choose<T: Copy>(
    path: &str,
    text: &str,
    span: Range<usize>,
    words: &[(&'static str, T)],
) -> Result<T, Problem> {
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(*value);
    }
    let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
    let quoted: Vec<_> = known.iter().map(|word| format!("\"{word}\"")).collect();
    let problem = Problem::new(span, format!("`{path}` must be one of {}", quoted.join(", ")));
    Err(match did_you_mean(text, &known) {
        Some(near) => problem.hint(format!("did you mean \"{near}\"?")),
        None => problem,
    })
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
