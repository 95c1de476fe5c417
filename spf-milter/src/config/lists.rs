//! Lists of patterns and networks, in the file itself or in files beside it.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::DeValue;

use super::read::read_bounded;
use super::table::TableReader;
use crate::diagnostic::Problem;

/// Reads one entry or a list of them; `file:/PATH` stands for the lines of a file, in which `#` begins a comment.
pub(super) fn read_list<T>(
    reader: &mut TableReader<'_>,
    key: &'static str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Option<Vec<T>> {
    let value = reader.value(key)?;
    let mut out = Vec::new();
    match value.get_ref().as_array() {
        Some(list) => list.iter().for_each(|entry| read_entry(reader, key, entry, &parse, &mut out)),
        None => read_entry(reader, key, value, &parse, &mut out),
    }
    Some(out)
}

fn read_entry<T>(
    reader: &TableReader<'_>,
    key: &str,
    value: &Spanned<DeValue<'_>>,
    parse: &impl Fn(&str) -> Result<T, String>,
    out: &mut Vec<T>,
) {
    let Some(text) = value.get_ref().as_str() else {
        reader.wrong_type::<()>(key, "a string or a list of strings", value);
        return;
    };
    match text.strip_prefix("file:") {
        Some(path) => out.extend(reader.keep(read_file(path, value.span(), parse)).unwrap_or_default()),
        None => out.extend(reader.keep(parse(text).map_err(|what| Problem::new(value.span(), what)))),
    }
}

fn read_file<T>(path: &str, span: Range<usize>, parse: &impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, Problem> {
    let shown = path.escape_default();
    if !path.starts_with('/') {
        let problem = Problem::new(span, format!("`{shown}` is no absolute path"));
        return Err(problem.hint("as in \"file:/etc/spf-milter/senders\", with one entry a line"));
    }
    let unreadable = |what: String| Problem::new(span.clone(), format!("cannot read the list `{shown}`: {what}"));
    let bytes = read_bounded(Path::new(path), LIST_BYTES_MAX).map_err(|error| unreadable(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let line =
            error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        unreadable(format!("line {line} is no UTF-8"))
    })?;
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.split('#').next().unwrap_or("").trim()));
    let entries = lines.filter(|(_, line)| !line.is_empty());
    entries
        .map(|(number, line)| {
            parse(line).map_err(|what| Problem::new(span.clone(), format!("{shown}, line {number}: {what}")))
        })
        .collect()
}

/// The largest list: about two million entries.
const LIST_BYTES_MAX: u64 = 64 * 1024 * 1024;
