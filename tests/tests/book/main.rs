//! The book in `docs/`: every command in it is run, and has to say what the page shows.
//!
//! A page is Markdown. Its `console` blocks hold commands behind `$ ` and, below each, what it prints (both streams). Blocks whose tag
//! is followed by a path are files of the reader's, written when the page comes to them. One page is one shell in one folder, from top
//! to bottom. `...` stands for any number of lines and `[..]` for any part of a line; times in parentheses, queue ids and dates
//! may differ. Commands are expected to succeed, unless a line `[exit code N]` ends what they print.
//!
//! A command that ends in `&` goes on; the next one waits until its socket accepts connections. Comments say what a page needs:
//! `<!-- needs: COMMAND -->` (without it the page is ignored, or fails if `BOOK=required` is set), `<!-- uses: FOLDER -->` (a
//! folder of the repository that the reader has; `bin`: the programs are where every user can start them), `<!-- waits for: FILE -->` (which something in the background writes).
//!
//! `BOOK=update cargo test -p tests --test book` writes what came into the pages. Read it before you believe it.

mod compare;
mod marks;
mod page;
mod shell;
mod world;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use libtest_mimic::{Arguments, Failed, Trial};

use page::{Block, Page};
use world::World;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials: Vec<Trial> = pages().into_iter().flat_map(|path| trials(&path)).collect();
    let compared = || {
        compare::elisions_and_times_stand_for_what_they_say();
        Ok(())
    };
    trials.push(Trial::test("elisions_and_times_stand_for_what_they_say", compared));
    trials.push(Trial::test("links_lead_somewhere", || marks::links_lead_somewhere(&pages())));
    trials.push(Trial::test("facts_are_shown", || marks::facts_are_shown(&pages())));
    trials.push(Trial::test("blocks_are_run_or_say_why_not", || marks::blocks_are_run_or_say_why_not(&pages())));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials(path: &Path) -> Vec<Trial> {
    let name = path.strip_prefix(root()).expect("the page is in the repository").display().to_string();
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let page = match Page::parse(&text) {
        Ok(page) => page,
        Err(problem) => return vec![Trial::test(name, move || Err(Failed::from(problem)))],
    };
    if !page.blocks.iter().any(|block| matches!(block, Block::Console(_))) {
        return Vec::new();
    }
    let missing = page.needs.iter().find(|need| !world::is_there(need)).cloned();
    let ignored = missing.is_some() && std::env::var("BOOK").as_deref() != Ok("required");
    let (path, label) = (path.to_owned(), name.clone());
    let run = move || match &missing {
        Some(need) => Err(Failed::from(format!("{label} needs `{need}`, which fails here"))),
        None => read_along(&path, &label, &text, &page),
    };
    vec![Trial::test(name, run).with_ignored_flag(ignored)]
}

/// Plays a page from top to bottom, and tells of every command that said something else.
fn read_along(path: &Path, name: &str, text: &str, page: &Page) -> Result<(), Failed> {
    let mut world = World::new(name, &page.uses)?;
    let mut differences = Vec::new();
    let mut changes = Vec::new();
    for block in &page.blocks {
        let commands = match block {
            Block::File { path, text } => {
                world.write(path, text)?;
                continue;
            }
            Block::Wait(path) => {
                world.wait_for(path)?;
                continue;
            }
            Block::Console(commands) => commands,
        };
        for command in commands {
            let came = world.run(&command.text, command.expected.len())?;
            if !compare::fits(&command.expected, &came) {
                differences.push(format!(
                    "{name}:{}: $ {}\n{}",
                    command.line,
                    command.text,
                    diff(&command.expected, &came)
                ));
                changes.push((command.output_lines.clone(), came));
            }
        }
    }
    if std::env::var("BOOK").as_deref() == Ok("update") {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        // From the end of the page to its beginning, so that line numbers stay true.
        for (range, came) in changes.into_iter().rev() {
            lines.splice(range, came);
        }
        std::fs::write(path, lines.join("\n") + "\n")?;
        return Ok(());
    }
    if differences.is_empty() { Ok(()) } else { Err(Failed::from(differences.join("\n"))) }
}

fn diff(expected: &[String], came: &[String]) -> String {
    let lines = |mark: &str, lines: &[String]| lines.iter().map(|line| format!("{mark} {line}\n")).collect::<String>();
    lines("-", expected) + &lines("+", came)
}

/// Every page below `docs/`, and the README.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md")];
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("docs/ can be listed") {
            let path = entry.expect("docs/ can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages
}

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("tests/ is a folder of the repository").to_owned()
}
