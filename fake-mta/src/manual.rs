//! Completions and manual pages, made from the command line's own description.

use std::path::Path;

use crate::{
    cli,
    diag::Diag,
    run::{Console, Exit},
};

/// Writes a completion script to standard output.
pub(crate) fn completions(shell: clap_complete::Shell, console: &mut Console) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), "fake-mta", &mut script);
    console.results(&String::from_utf8_lossy(&script));
    Exit::PASSED
}

/// Writes `fake-mta.1` and a page for each command.
pub(crate) fn pages(dir: &Path, console: &mut Console) -> Exit {
    match clap_mangen::generate_to(cli::command(), dir) {
        Ok(()) => Exit::PASSED,
        Err(error) => {
            console.diags(&[Diag::error(format!("cannot write manual pages to {}: {error}", dir.display()))]);
            Exit::HARNESS
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_manual_page() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(pages(dir.path(), &mut Console::plain(std::io::sink(), std::io::sink())), Exit::PASSED);
        for command in cli::command().get_subcommands() {
            let page = dir.path().join(format!("fake-mta-{}.1", command.get_name()));
            assert!(page.exists(), "{}", page.display());
        }
    }

    #[test]
    fn the_description_of_the_command_line_is_sound() {
        cli::command().debug_assert();
    }
}
