//! The reference of the scenario format (`scenarios/README.md`) is complete, and its examples are good.

use std::{collections::BTreeSet, path::Path};

use fake_mta::{
    diag::{Diag, Source},
    filter_script::Script,
    format::REFERENCE,
    lint::{Lint, MtaKind},
    scenario,
    suite::Suite,
};

#[test]
fn every_example_is_read_without_a_complaint() {
    let text = reference();
    let examples = blocks(&text);
    assert!(examples.len() >= 4, "the reference has lost its examples");
    for example in examples {
        let source = Source::new("README.md", example);
        let read = if example.contains("[[session]]") {
            scenario::parse(&source).map(drop)
        } else {
            Suite::parse(&source).map(drop)
        };
        if let Err(problems) = read {
            panic!("{}", problems[0].render(false));
        }
    }
}

#[test]
fn every_key_and_every_word_of_the_format_is_there() {
    let text = reference();
    let words = code_words(&text);
    let places = [
        in_scenario("zzzzzzzzzzzz = 1\n", ""),
        in_scenario("", "[dns]\nzzzzzzzzzzzz = 1\n"),
        in_scenario("", "[dns]\nmode = 'zzzzzzzzzzzz'\n"),
        in_scenario("", "[dns]\nexpect = ['example.com ZZZZZZZZZZZZ']\n"),
        in_scenario("", "[mta]\nzzzzzzzzzzzz = 1\n"),
        in_scenario("", "[mta]\nprofile = 'zzzzzzzzzzzz'\n"),
        in_scenario("", "[mta]\nlog_format = 'zzzzzzzzzzzz'\n"),
        in_scenario("", "[mta]\ndefault_action = 'zzzzzzzzzzzz'\n"),
        in_scenario("", "[mta.macros]\nzzzzzzzzzzzz = ''\n"),
        in_scenario("", "[mta.timeouts]\nzzzzzzzzzzzz = '1s'\n"),
        in_scenario("", "[milter]\nzzzzzzzzzzzz = 1\n"),
        in_scenario("", "[[milter]]\nzzzzzzzzzzzz = 1\n"),
        in_scenario("", "[messages]\nx = { zzzzzzzzzzzz = 1 }\n"),
        in_scenario("", "[[variant]]\nname = 'v'\nzzzzzzzzzzzz = 1\n[variant.expect]\n"),
        in_scenario("", "[[session]]\nclient = '192.0.2.1'\ndialogue = ''\nzzzzzzzzzzzz = 1\n"),
        in_scenario("", "[[session]]\nclient = '192.0.2.1'\ndialogue = 'C: [zzzzzzzzzzzz]'\n"),
        in_scenario("", "[[session]]\nclient = '192.0.2.1'\ndialogue = 'M: zzzzzzzzzzzz'\n"),
        in_scenario("", "[[session]]\nclient = '192.0.2.1'\ndialogue = 'W: zzzzzzzzzzzz'\n"),
        in_scenario("", "[dns]\nfault = ['example.com TXT zzzzzzzzzzzz']\n"),
        in_suite("[milter]\ncommand = 'x'\nzzzzzzzzzzzz = 1\n"),
        in_suite("[milter]\ncommand = '{zzzzzzzzzzzz}'\n"),
        in_suite("[milter]\ncommand = 'x'\nsocket = 'zzzzzzzzzzzz'\n"),
        in_suite("[milter]\ncommand = 'x'\nstop_signal = 'zzzzzzzzzzzz'\n"),
    ];
    let missing: Vec<&String> = places.iter().flatten().filter(|word| !words.contains(word.as_str())).collect();
    assert!(missing.is_empty(), "scenarios/README.md does not speak of {missing:?}");
}

#[test]
fn the_tables_of_keys_are_those_that_the_program_reads_by() {
    let text = reference();
    for table in REFERENCE {
        let wanted = table.markdown();
        assert!(text.contains(&format!("\n\n{wanted}\n")), "scenarios/README.md has not this table:\n{wanted}");
    }
}

#[test]
fn every_warning_is_described_as_the_program_has_it_and_shown_by_a_scenario() {
    let text = reference();
    let shown = milter_scenarios();
    for lint in Lint::ALL {
        let [sendmail, postfix] = MtaKind::ALL.map(|mta| lint.outcome(mta));
        let postfix = if postfix == sendmail { "the same" } else { postfix };
        let row = format!("| `{lint}` | {} | {sendmail} | {postfix} |\n", lint.title());
        assert!(text.contains(&row), "scenarios/README.md lacks\n{row}");
        let is_shown = shown.contains(&format!("W: {lint}\n"))
            || shown.contains(&format!("]: {lint}\n"))
            || shown.contains(&format!("]:  {lint}\n"))
            || shown.contains(&format!("warning = \"{lint}\"\n"));
        // A packet of more than 64 KiB does not fit into a scenario that anybody would read.
        assert!(is_shown || *lint == Lint::PacketTooLarge, "no scenario in scenarios/milter shows `{lint}`");
    }
}

#[test]
fn the_language_of_the_scripted_filter_is_described_as_it_is_read() {
    let text = read("docs/filter-script.md");
    let words = code_words(&text);
    let places = [in_script("zzzzzzzzzzzz: continue\n"), in_script("eom: zzzzzzzzzzzz\n")];
    let missing: Vec<&String> = places.iter().flatten().filter(|word| !words.contains(word.as_str())).collect();
    assert!(missing.is_empty(), "docs/filter-script.md does not speak of {missing:?}");

    let (_, actions) = text.split_once("## Actions\n").expect("a heading");
    let rows = actions.lines().take_while(|line| !line.starts_with('#')).filter(|line| line.starts_with("| `"));
    let examples = rows.flat_map(|row| row.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2));
    for example in examples {
        let read = Script::parse(&Source::new("x.script", format!("eom: {example}\n")));
        assert!(read.is_ok(), "docs/filter-script.md shows `{example}`: {:?}", read.err());
    }
}

/// All scenarios about the protocol, one after the other.
fn milter_scenarios() -> String {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/milter");
    let files = std::fs::read_dir(dir).expect("the folder can be read").flatten();
    files.filter_map(|file| std::fs::read_to_string(file.path()).ok()).collect()
}

fn reference() -> String {
    read("scenarios/README.md")
}

/// A document, by its path in the repository.
fn read(path: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The TOML blocks.
fn blocks(text: &str) -> Vec<&str> {
    text.split("```toml\n").skip(1).filter_map(|rest| Some(rest.split_once("```")?.0)).collect()
}

/// Every word that stands in code marks or in a block.
fn code_words(text: &str) -> BTreeSet<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    // A fence is three marks, so that what stands between marks is every second piece there too.
    let code = text.split('`').skip(1).step_by(2);
    code.flat_map(|piece| piece.split(move |c| !is_word(c))).collect()
}

/// The words that a scenario may have where it has a strange one.
fn in_scenario(before: &str, after: &str) -> Vec<String> {
    let session = if after.contains("[[session]]") { "" } else { "[[session]]\nclient = '192.0.2.1'\ndialogue = ''\n" };
    let text = format!("{before}name = 'x'\n{after}{session}");
    known(&scenario::parse(&Source::new("x.toml", text.as_str())).expect_err("a strange word is refused"), &text)
}

fn in_suite(text: &str) -> Vec<String> {
    known(&Suite::parse(&Source::new("fake-mta.toml", text)).expect_err("a strange word is refused"), text)
}

/// The same for a script of `fake-mta filter`.
fn in_script(text: &str) -> Vec<String> {
    known(&Script::parse(&Source::new("x.script", text)).expect_err("a strange word is refused"), text)
}

/// The list that the message has for a word that resembles none.
fn known(problems: &[Diag], text: &str) -> Vec<String> {
    let lists = problems.iter().flat_map(|problem| &problem.help);
    let list = lists.filter_map(|help| help.strip_prefix("known: ").or_else(|| help.strip_prefix("known are "))).next();
    let list = list.unwrap_or_else(|| panic!("no list of known words for:\n{text}\n{problems:?}"));
    list.split(", ").map(str::to_owned).collect()
}
