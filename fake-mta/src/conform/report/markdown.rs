//! A matrix in Markdown.

use super::{Battery, counts, counts_by_level, fault::faults, row, word};
use crate::report::text::put;

/// What each milter came to, the matrix, and what every verdict that is not `pass` is about. As it is kept in documents, nothing stands in
/// it that differs between two runs of the same: no date, and no address.
pub(super) fn render(battery: &Battery) -> String {
    let mut text = if battery.is_interrupted { "Interrupted.\n\n".to_owned() } else { String::new() };
    for milter in &battery.milters {
        let fatal = milter.fatal.as_ref().map_or_else(String::new, |fatal| format!(": {}", cell(&fatal.text)));
        let (name, counts) = (cell(&milter.name), counts(battery, milter));
        let levels = counts_by_level(battery, milter).map_or_else(String::new, |levels| format!("; {levels}"));
        put(&mut text, format_args!("- **{name}**: {counts}{levels}{fatal}\n"));
    }
    text += "\n| case | level |";
    battery.milters.iter().for_each(|milter| put(&mut text, format_args!(" {} |", cell(&milter.name))));
    text += "\n| --- | --- |";
    battery.milters.iter().for_each(|_| text += " --- |");
    text.push('\n');
    for (index, case) in battery.cases.iter().enumerate() {
        put(&mut text, format_args!("| `{}` | {} |", case.id, case.level));
        for result in row(battery, index) {
            let is_bad = result.is_some_and(|result| result.verdict.is_bad());
            let verdict = if is_bad { format!("**{}**", word(result)) } else { word(result) };
            put(&mut text, format_args!(" {verdict} |"));
        }
        text.push('\n');
    }
    text + &findings(battery)
}

/// Each fault once, where its first case stands.
fn findings(battery: &Battery) -> String {
    let faults =
        battery.milters.iter().flat_map(|milter| faults(battery, milter).into_iter().map(move |one| (milter, one)));
    let at = |id: &str| battery.cases.iter().position(|case| case.id == id);
    let mut faults: Vec<_> = faults.collect();
    faults.sort_by_key(|(_, fault)| at(&fault.cases[0].id));
    let mut text = String::new();
    for (milter, fault) in faults {
        let cases =
            fault.cases.iter().map(|case| format!("`{}` ({})", case.id, case.level)).collect::<Vec<_>>().join(", ");
        put(&mut text, format_args!("- **{}**, {cases}: {}\n", cell(&milter.name), cell(&fault.text())));
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

/// Text that ends no cell and begins no markup.
fn cell(text: &str) -> String {
    crate::diag::escape(text).replace('|', "\\|").replace('<', "&lt;").replace('`', "'")
}
