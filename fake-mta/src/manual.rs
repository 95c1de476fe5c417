//! Completions and manual pages, made from the command line's own description.

use std::{fs, io, path::Path};

use clap_complete::Shell;
use clap_mangen::Man;

use crate::{
    cli,
    diag::cannot,
    run::{Console, Exit},
};

/// Writes a completion script to standard output.
pub(crate) fn completions(shell: Shell, console: &mut Console) -> Exit {
    console.results(&script(shell));
    Exit::PASSED
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    if shell != Shell::Bash {
        clap_complete::generate(shell, &mut cli::command(), PROGRAM, &mut script);
        return String::from_utf8_lossy(&script).into_owned();
    }
    // For bash clap_complete writes a `-` in the program's name in two ways, so that no subcommand is found. A name without one
    // will do for all but the last lines, which tell the shell for which program the script is.
    clap_complete::generate(shell, &mut cli::command().name(PLAIN), PLAIN, &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    let line = |line: &str| match line.trim_start().starts_with("complete -F ") {
        true => line.strip_suffix(PLAIN).map_or_else(|| line.to_owned(), |rest| format!("{rest}{PROGRAM}")),
        false => line.to_owned(),
    };
    script.lines().map(|text| line(text) + "\n").collect()
}

/// Writes `fake-mta.1` and a page for each command.
pub(crate) fn pages(dir: &Path, console: &mut Console) -> Exit {
    let mut command = cli::command().disable_help_subcommand(true);
    command.build();
    let write = |command: &clap::Command| {
        let path = dir.join(Man::new(command.clone()).get_filename());
        page(command).and_then(|page| fs::write(&path, page)).map_err(|error| cannot("write", &path, error))
    };
    let made = fs::create_dir_all(dir).map_err(|error| cannot("make", dir, error));
    let written = made.and_then(|()| {
        write(&command)?;
        command.get_subcommands().try_for_each(write)
    });
    match written {
        Ok(()) => Exit::PASSED,
        Err(diag) => {
            console.diags(&[diag]);
            Exit::HARNESS
        }
    }
}

fn page(command: &clap::Command) -> io::Result<Vec<u8>> {
    let man = Man::new(command.clone()).date("").source(concat!("fake-mta ", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().next().is_some() {
        man.render_options_section(&mut page)?;
    }
    let is_whole = command.has_subcommands();
    let others: Vec<String> = match is_whole {
        true => command.get_subcommands().map(|command| format!("{PROGRAM}-{}", command.get_name())).collect(),
        false => vec![PROGRAM.to_owned()],
    };
    if is_whole {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(after) = command.get_after_help() {
        page.extend(sections(&after.to_string()).bytes());
    }
    // The help of the whole program has them already.
    if !is_whole {
        page.extend(sections(cli::EXIT_CODES).bytes());
    }
    let others: Vec<String> = others.iter().map(|other| format!(".BR {} (1)", escaped(other))).collect();
    page.extend(format!(".SH \"SEE ALSO\"\n{}\n", others.join(" ,\n")).bytes());
    Ok(page)
}

/// Text whose columns are meant: a line at the margin that ends in a colon is the heading of what follows.
fn sections(text: &str) -> String {
    let mut page = String::new();
    let mut is_open = false;
    for line in text.trim_end().lines() {
        match line.strip_suffix(':').filter(|heading| !heading.is_empty() && !heading.starts_with(' ')) {
            Some(heading) => {
                page += if is_open { ".fi\n" } else { "" };
                page += &format!(".SH \"{}\"\n.nf\n", escaped(&heading.to_uppercase()));
            }
            None if is_open => page += &format!("{}\n", escaped(line)),
            None => page += &format!(".SH NOTES\n.nf\n{}\n", escaped(line)),
        }
        is_open = true;
    }
    page + ".fi\n"
}

/// A line that roff shows as it is.
fn escaped(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-");
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
}

const PROGRAM: &str = "fake-mta";

const PLAIN: &str = "fake_mta";

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn every_command_has_a_manual_page() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path().join("new/man");
        assert_eq!(pages(&dir, &mut Console::plain(io::sink(), io::sink())), Exit::PASSED);
        for command in cli::command().get_subcommands() {
            let path = dir.join(format!("fake-mta-{}.1", command.get_name()));
            let page = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert!(page.contains(".SH \"EXAMPLE"), "{} has no example", command.get_name());
            assert!(page.contains(".SH \"EXIT STATUS\"") && page.contains(".SH \"SEE ALSO\""), "{page}");
        }
        let run = fs::read_to_string(dir.join("fake-mta-run.1")).expect("a page");
        assert!(run.contains(".SH \"EXAMPLES\"\n.nf\n  fake\\-mta run scenarios    "), "{run}");
    }

    #[test]
    fn columns_stay_and_no_line_is_a_request() {
        let page = sections("Examples:\n  a   b\n.x \\ y\n\nMore:\n  c\n");
        assert_eq!(page, ".SH \"EXAMPLES\"\n.nf\n  a   b\n\\&.x \\e y\n\n.fi\n.SH \"MORE\"\n.nf\n  c\n.fi\n");
    }

    /// What a real bash offers behind these words.
    fn offered(words: &[&str]) -> Option<Vec<String>> {
        let ask = "eval \"$0\"; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); \
                   _fake_mta \"$1\" \"${@: -1}\" \"${@: -2:1}\"; printf '%s\\n' \"${COMPREPLY[@]}\"";
        let output = Command::new("bash").args(["-c", ask, &script(Shell::Bash)]).args(words).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
    }

    #[test]
    fn bash_completes_commands_options_and_values() {
        for (words, wanted) in [
            (&["fake-mta", "ru"][..], "run"),
            (&["fake-mta", "run", "--rep"], "--report"),
            (&["fake-mta", "run", "--profile", "sendmail-"], "sendmail-8.17"),
            (&["fake-mta", "run", "--report", "ju"], "junit"),
            (&["fake-mta", "run", "--bless", "ch"], "check"),
            (&["fake-mta", "schema", "su"], "suite"),
        ] {
            let Some(offered) = offered(words) else {
                eprintln!("skipped: this machine has no bash");
                return;
            };
            assert!(offered.iter().any(|word| word == wanted), "{words:?}: {offered:?}");
        }
        assert!(script(Shell::Bash).contains("complete -F _fake_mta -o nosort -o bashdefault -o default fake-mta\n"));
    }

    #[test]
    fn the_description_of_the_command_line_is_sound() {
        cli::command().debug_assert();
    }
}
