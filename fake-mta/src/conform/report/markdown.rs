//! A matrix in Markdown.

use std::fmt::Write as _;

use super::{Battery, counts, first_line, row, word};

/// What each milter came to, the matrix, and what every verdict that is not `pass` is about.
pub(super) fn render(battery: &Battery) -> String {
    let mut text = if battery.is_interrupted { "Interrupted.\n\n".to_owned() } else { String::new() };
    for milter in &battery.milters {
        let fatal = milter.fatal.as_ref().map_or_else(String::new, |fatal| format!(": {}", cell(&fatal.text)));
        writeln!(text, "- **{}**: {}{fatal}", cell(&milter.name), counts(battery, milter))
            .expect("a String takes everything");
    }
    text += "\n| case | level |";
    battery
        .milters
        .iter()
        .for_each(|milter| write!(text, " {} |", cell(&milter.name)).expect("a String takes everything"));
    text += "\n| --- | --- |";
    battery.milters.iter().for_each(|_| text += " --- |");
    text.push('\n');
    for (index, case) in battery.cases.iter().enumerate() {
        write!(text, "| `{}` | {} |", case.id, case.level).expect("a String takes everything");
        for result in row(battery, index) {
            let is_bad = result.is_some_and(|result| result.verdict.is_bad());
            let verdict = if is_bad { format!("**{}**", word(result)) } else { word(result) };
            write!(text, " {verdict} |").expect("a String takes everything");
        }
        text.push('\n');
    }
    text + &findings(battery)
}

fn findings(battery: &Battery) -> String {
    let mut text = String::new();
    for (index, case) in battery.cases.iter().enumerate() {
        for (milter, result) in battery.milters.iter().zip(row(battery, index)) {
            let Some(result) = result.filter(|result| result.verdict.is_bad()) else { continue };
            let verdict = result.verdict;
            let (name, why) = (cell(&milter.name), cell(first_line(result)));
            writeln!(text, "- **{name}**, `{}` ({}): {verdict}: {why}", case.id, case.level)
                .expect("a String takes everything");
        }
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

/// Text that ends no cell and begins no markup.
fn cell(text: &str) -> String {
    crate::diag::escape(text).replace('|', "\\|").replace('<', "&lt;").replace('`', "'")
}
