//! `fake-mta fmt`: scenario files and suite files in one form, with their comments and with the columns that their authors lined up.

mod block;
mod layout;
mod tokens;

use std::path::{Path, PathBuf};

use clap::Args;

use crate::{
    diag::{self, Diag, Source},
    run::{Console, Exit, find_files},
    scenario::{self, Node},
};

/// What `fake-mta fmt` is asked to do.
#[derive(Args, Debug)]
pub struct FmtArgs {
    /// Files, and folders to search for scenarios and fake-mta.toml; what - (standard input) or a pipe has goes to standard output
    #[arg(default_value = "scenarios")]
    paths: Vec<PathBuf>,

    /// Write nothing; show what would change, and end with 1 if anything would
    #[arg(long)]
    check: bool,
}

/// The end of the help.
pub const HELP: &str = "\
Examples:
  fake-mta fmt                               all files below the folder scenarios, in place
  fake-mta fmt --check                       what would change?
  fake-mta fmt - < a.toml                    for an editor";

/// Formats files in place.
pub(crate) fn run(args: &FmtArgs, console: &mut Console) -> Exit {
    if args.paths == [Path::new("-")] {
        return standard_input(args.check, console);
    }
    let files = match find_files(&args.paths) {
        Ok(files) => files,
        Err(diags) => {
            console.diags(&diags);
            return Exit::UNREADABLE;
        }
    };
    let (mut changed, mut broken) = (0, false);
    // In folders there are openspf suites too.
    let is_ours =
        |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "toml") || args.paths.contains(path);
    for path in files.iter().filter(is_ours) {
        match format_file(path, args.check, console) {
            Ok(is_changed) => changed += usize::from(is_changed),
            Err(diags) => {
                broken = true;
                console.diags(&diags);
            }
        }
    }
    match (broken, args.check && changed > 0) {
        (true, _) => Exit::UNREADABLE,
        (false, true) => Exit::FAILED,
        (false, false) => Exit::PASSED,
    }
}

fn standard_input(is_check: bool, console: &mut Console) -> Exit {
    let name = Path::new("standard input");
    let read = diag::read_stream(std::io::stdin(), diag::MAX_TEXT_BYTES)
        .and_then(|bytes| String::from_utf8(bytes).map_err(|_| std::io::Error::other("it is not UTF-8 text")));
    let read = read.map_err(|error| vec![diag::cannot("read", name, error)]);
    match read.and_then(|text| stream(name, &text, is_check, console)) {
        Ok(is_changed) if is_check && is_changed => Exit::FAILED,
        Ok(_) => Exit::PASSED,
        Err(diags) => {
            console.diags(&diags);
            Exit::UNREADABLE
        }
    }
}

/// Writes what came out of a stream, in the one form, to standard output.
fn stream(name: &Path, text: &str, is_check: bool, console: &mut Console) -> Result<bool, Vec<Diag>> {
    let formatted = format(name, text)?;
    if !is_check {
        console.results(&formatted);
    } else if formatted != text {
        console.results(&scenario::diff(name, text, &formatted, "formatted"));
    }
    Ok(formatted != text)
}

/// Whether the file was, or would be, changed.
fn format_file(path: &Path, is_check: bool, console: &mut Console) -> Result<bool, Vec<Diag>> {
    if diag::waits(path) {
        let text = diag::read_named_text(path, diag::MAX_TEXT_BYTES).map_err(|diag| vec![diag])?;
        return stream(path, &text, is_check, console);
    }
    let text = diag::read_text(path, diag::MAX_TEXT_BYTES).map_err(|diag| vec![diag])?;
    let formatted = format(path, &text)?;
    if formatted == text {
        return Ok(false);
    }
    if is_check {
        console.results(&scenario::diff(path, &text, &formatted, "formatted"));
        return Ok(true);
    }
    diag::replace(path, formatted.as_bytes()).map_err(|diag| vec![diag])?;
    console.results(&format!("formatted {}\n", diag::shown(path)));
    Ok(true)
}

/// The text in the one form.
///
/// # Errors
/// What is wrong with it as TOML.
pub(crate) fn format(path: &Path, text: &str) -> Result<String, Vec<Diag>> {
    let before = Node::parse(&Source::new(path, text))?;
    let formatted = layout::lay_out(text);
    // Nothing of a file may be lost by a mistake of ours.
    match Node::parse(&Source::new(path, formatted.as_str())) {
        Ok(after) if block::same(&before, &after) => Ok(formatted),
        _ => Err(vec![Diag::error(format!(
            "{} is left as it is: formatting would change what it says",
            diag::shown(path)
        ))]),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use proptest::prelude::*;

    use super::*;

    fn formatted(text: &str) -> String {
        let once = format(Path::new("x.toml"), text).unwrap_or_else(|diags| panic!("{}\n{text}", diags[0]));
        assert_eq!(format(Path::new("x.toml"), &once).as_deref(), Ok(once.as_str()), "twice is once");
        once
    }

    #[test]
    fn what_is_named_is_looked_at_whatever_its_name() {
        let dir = tempfile::tempdir().expect("a folder");
        let (file, pipe) = (dir.path().join("x.txt"), dir.path().join("pipe"));
        std::fs::write(&file, "a    =   1\n").expect("a file");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        let checked = |path: &PathBuf| {
            run(&FmtArgs { paths: vec![path.clone()], check: true }, &mut Console::plain(io::sink(), io::sink()))
        };
        let written = pipe.clone();
        let writer = std::thread::spawn(move || std::fs::write(written, "a    =   1\n"));
        assert_eq!((checked(&file), checked(&pipe)), (Exit::FAILED, Exit::FAILED));
        writer.join().expect("no panic").expect("somebody reads");
    }

    #[test]
    fn spaces_and_empty_lines_have_one_form_and_comments_stay() {
        let text = "\n\n# top\nname='a'   # why\n\n\n\nrfc=[ '1','2' ]\n  [ mta ]\nx . y={a=1,b=[]}\n\n[[ session ]]# s\nclient =  'c'  \n\n";
        let wanted = "# top\nname = 'a'   # why\n\nrfc = ['1', '2']\n\n[mta]\nx.y = { a = 1, b = [] }\n\n[[session]] # s\nclient = 'c'\n";
        assert_eq!(formatted(text), wanted);
    }

    #[test]
    fn columns_that_the_author_lined_up_stay_and_others_go() {
        assert_eq!(formatted("name = 'a'\nip   = 'b'\n"), "name = 'a'\nip   = 'b'\n");
        assert_eq!(formatted("name    = 'a'\nip      = 'b'\n"), "name = 'a'\nip   = 'b'\n");
        assert_eq!(formatted("name = 'a'\nip    = 'b'\n"), "name = 'a'\nip = 'b'\n");
    }

    #[test]
    fn lists_keep_their_lines_and_get_a_comma_at_the_end() {
        let text = "x = [ 'a','b',\n  # of c\n 'c' # is c\n\n]\n";
        assert_eq!(formatted(text), "x = [\n    'a', 'b',\n    # of c\n    'c', # is c\n]\n");
    }

    #[test]
    fn lines_of_a_dialogue_begin_and_end_without_spaces() {
        let text = "dialogue = '''\n  C: HELO x  \nC:QUIT\nS[postfix]:  221 x\n\n'''\nzone = '''\na A 1.2.3.4  \n  B A 1\n'''\n";
        let wanted =
            "dialogue = '''\nC: HELO x\nC: QUIT\nS[postfix]:  221 x\n\n'''\nzone = '''\na A 1.2.3.4\n  B A 1\n'''\n";
        assert_eq!(formatted(text), wanted);
        let text = "instead.'C: QUIT' = '''\n  M:reject  \n'''\nenvelope = '''\nx:y  \n'''\n";
        assert_eq!(formatted(text), "instead.'C: QUIT' = '''\nM: reject\n'''\nenvelope = '''\nx:y\n'''\n");
    }

    #[test]
    fn a_file_with_crlf_keeps_it() {
        assert_eq!(formatted("a=1\r\nb = '''\r\nx \r\n'''\r\n"), "a = 1\r\nb = '''\r\nx \r\n'''\r\n");
        let text = "dialogue = '''\r\n  C:QUIT \r\n\r\n'''\r\nzone = '''\r\na A 1.2.3.4  \r\n'''\r\n";
        let wanted = "dialogue = '''\r\nC: QUIT\r\n\r\n'''\r\nzone = '''\r\na A 1.2.3.4\r\n'''\r\n";
        assert_eq!(formatted(text), wanted);
    }

    #[test]
    fn what_is_no_toml_is_refused() {
        assert!(format(Path::new("x.toml"), "a = \n").is_err());
    }

    #[test]
    fn every_shipped_file_has_the_one_form() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let args = FmtArgs { paths: vec![root.join("scenarios"), root.join("examples")], check: true };
        let exit = run(&args, &mut Console::plain(io::sink(), io::sink()));
        assert_eq!(exit, Exit::PASSED, "fake-mta fmt scenarios examples");
    }

    proptest! {
        #[test]
        fn formatting_twice_is_formatting_once(text in "([a-c]{1,3} {0,2}= {0,2}(1|'x'|\\[ ?1 ?,? ?\n? ?\\]|\\{ ?a=1 ?\\}) {0,2}(# c)?\n|\n|# d {0,2}\n|\\[ ?t?[a-z]{2} ?\\]\n){0,12}") {
            if let Ok(once) = format(Path::new("x.toml"), &text) {
                prop_assert_eq!(format(Path::new("x.toml"), &once), Ok(once.clone()));
            }
        }
    }
}
