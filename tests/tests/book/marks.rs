//! What pages must not do: lead nowhere, and show what nobody runs without saying why.

use std::path::Path;

use libtest_mimic::Failed;

use crate::root;

/// Every link to a file of the repository, and to a heading in it, leads somewhere.
///
/// # Errors
/// The links that do not.
pub(crate) fn links_lead_somewhere(pages: &[std::path::PathBuf]) -> Result<(), Failed> {
    let mut broken = Vec::new();
    for page in pages {
        let text = std::fs::read_to_string(page)?;
        let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
        for link in links.filter(|link| !link.contains("://")) {
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { page.clone() } else { folder(page).join(path) };
            if !target.exists() || (!heading.is_empty() && !has_heading(&target, heading)) {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(Failed::from(broken.join("\n"))) }
}

/// A block is `console`, a file of the reader's, or has behind its tag ` # ` and why it is not run; ` # as in FILE` shows a part of that
/// file. Pages for other runners are left out.
///
/// # Errors
/// The blocks that are neither.
pub(crate) fn blocks_are_run_or_say_why_not(pages: &[std::path::PathBuf]) -> Result<(), Failed> {
    let mut silent = Vec::new();
    for page in pages {
        let text = std::fs::read_to_string(page)?;
        if text.contains("by `tests/real-milter`") || !page.starts_with(root().join("docs")) {
            continue;
        }
        let mut is_inside = false;
        for (index, line) in text.lines().enumerate() {
            let Some(info) = line.trim_start().strip_prefix("```") else { continue };
            is_inside = !is_inside;
            if let Some((_, reason)) = info.split_once(" # as in ")
                && !is_part_of(&text, index, reason.split(',').next().unwrap_or(reason))
            {
                silent.push(format!("{}:{}: not in {reason}", page.display(), index + 1));
            }
            let is_run = info == "console" || crate::page::file_of(info).is_some();
            if is_inside && !is_run && !info.contains(" # ") {
                silent.push(format!("{}:{}: ```{info}", page.display(), index + 1));
            }
        }
    }
    if silent.is_empty() { Ok(()) } else { Err(Failed::from(silent.join("\n"))) }
}

/// In tables whose last column is "shown by" each word in backticks is a scenario of `scenarios/milter`, or a recording.
///
/// # Errors
/// The words that are neither.
pub(crate) fn facts_are_shown(pages: &[std::path::PathBuf]) -> Result<(), Failed> {
    let captures = ["sendmail", "postfix"].map(|mta| root().join(format!("fake-mta/testdata/captures/{mta}.jsonl")));
    let captures = captures.map(|path| std::fs::read_to_string(path).unwrap_or_default()).concat();
    let mut unknown = Vec::new();
    for page in pages {
        let text = std::fs::read_to_string(page)?;
        let mut is_fact = false;
        for line in text.lines() {
            let Some(last) = line.strip_suffix('|').and_then(|row| row.rsplit('|').next()) else {
                is_fact = false;
                continue;
            };
            is_fact |= last.trim() == "shown by";
            let words = last.split('`').skip(1).step_by(2).filter(|_| is_fact);
            let is_there = |word: &str| match word.strip_prefix("capture:") {
                Some(name) => captures.contains(&format!("\"name\":\"{name}\"")),
                None => root().join(format!("scenarios/milter/{word}.toml")).exists(),
            };
            unknown.extend(words.filter(|word| !is_there(word)).map(|word| format!("{}: {word}", page.display())));
        }
    }
    if unknown.is_empty() { Ok(()) } else { Err(Failed::from(unknown.join("\n"))) }
}

/// Whether the block below this line stands in that file of the repository, wherever it is indented.
fn is_part_of(page: &str, fence: usize, file: &str) -> bool {
    let block = page.lines().skip(fence + 1).take_while(|line| !line.starts_with("```")).map(str::trim);
    let file = std::fs::read_to_string(root().join(file)).unwrap_or_default();
    let file: Vec<&str> = file.lines().map(str::trim).collect();
    let block: Vec<&str> = block.collect();
    file.windows(block.len().max(1)).any(|lines| lines == block)
}

fn folder(page: &Path) -> &Path {
    page.parent().expect("a page is in a folder")
}

/// As GitHub makes anchors: small letters, hyphens for blanks, everything else but letters, digits and hyphens left out.
fn has_heading(page: &Path, anchor: &str) -> bool {
    let slug = |heading: &str| {
        let letters = heading.trim().chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        letters.collect::<String>().to_lowercase().replace(' ', "-")
    };
    let text = std::fs::read_to_string(page).unwrap_or_default();
    text.lines().any(|line| line.starts_with('#') && slug(line.trim_start_matches('#')) == anchor)
}
