//! Two sessions side by side, step by step.

use super::{dialogue::Outcome, print};

/// The transcripts in columns, in `width` columns of the terminal. What both say alike stands on one height.
pub(super) fn side_by_side(outcomes: &[Outcome], width: usize) -> String {
    let column = (width + SEPARATOR.len()) / outcomes.len() - SEPARATOR.len();
    let steps = outcomes.iter().map(|outcome| outcome.steps.len()).max().unwrap_or(0);
    let titles: Vec<Vec<String>> = outcomes.iter().map(|outcome| vec![outcome.personality.name().to_owned()]).collect();
    let mut text = rows(&titles, column) + &rows(&vec![vec!["─".repeat(column)]; outcomes.len()], column);
    for step in 0..steps {
        let cells: Vec<Vec<String>> = outcomes.iter().map(|outcome| cell(outcome, step, column)).collect();
        text.push_str(&rows(&cells, column));
    }
    text.push('\n');
    text
}

/// One step of one session, wrapped. QUIT is the last step of each, wherever the other stands.
fn cell(outcome: &Outcome, step: usize, column: usize) -> Vec<String> {
    let events = outcome.steps.get(step).map(Vec::as_slice).unwrap_or_default();
    let text = print::lines(events);
    text.lines().flat_map(|line| wrapped(line, column)).collect()
}

/// A long line continues below, indented a little deeper than it began.
fn wrapped(line: &str, column: usize) -> Vec<String> {
    let indent = line.len() - line.trim_start().len() + 4;
    let mut rows = Vec::new();
    let mut rest: Vec<char> = line.chars().collect();
    while rest.len() > column {
        let cut = (indent + 1..=column).rev().find(|&at| rest[at] == ' ').unwrap_or(column);
        let tail = rest.split_off(cut);
        rows.push(rest.iter().collect());
        let tail: String = tail.iter().collect();
        rest = format!("{}{}", " ".repeat(indent.min(column / 2)), tail.trim_start()).chars().collect();
    }
    rows.push(rest.iter().collect());
    rows
}

fn rows(cells: &[Vec<String>], column: usize) -> String {
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    let mut text = String::new();
    for row in 0..height {
        let parts: Vec<String> =
            cells.iter().map(|cell| padded(cell.get(row).map_or("", String::as_str), column)).collect();
        text.push_str(parts.join(SEPARATOR).trim_end());
        text.push('\n');
    }
    text
}

fn padded(text: &str, column: usize) -> String {
    format!("{text:<column$}")
}

const SEPARATOR: &str = " | ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_broken_at_a_space_and_goes_on_deeper() {
        assert_eq!(wrapped("    > one two three four", 15), ["    > one two", "       three", "       four"]);
        assert_eq!(wrapped("xxxxxxxxxx", 4), ["xxxx", "  xxxx".get(..4).unwrap(), "  xx", "  xx"]);
        assert_eq!(wrapped("", 4), [""]);
    }

    #[test]
    fn columns_stand_beside_each_other() {
        let cells = [vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()]];
        assert_eq!(rows(&cells, 3), "a   | c\nb   |\n");
    }
}
