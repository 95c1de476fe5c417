//! `fake-mta init`: a suite file and a first scenario for one's own milter.

mod letter;

use std::{
    fs, io,
    io::Write as _,
    path::{Component, Path, PathBuf},
};

use clap::Args;

use crate::{
    diag::{self, Diag, Source},
    run::{Console, Exit},
    scenario,
    suite::{FILE_NAME, Suite},
};

/// What `fake-mta init` is asked to do.
#[derive(Args, Debug)]
pub(crate) struct InitArgs {
    /// The folder that the files go into; it is created if it does not exist
    #[arg(default_value = "scenarios")]
    dir: PathBuf,

    /// The command that starts the milter; {listen} stands for its socket
    ///
    /// [default: my-milter --listen {listen}]
    #[arg(long, value_name = "COMMAND")]
    command: Option<String>,

    /// Make the scenario from this message; without --command, fake-mta.toml is only written if there is none that it would belong to
    #[arg(long, value_name = "FILE")]
    from_eml: Option<PathBuf>,

    /// Who sends it [default: its Return-Path or From]
    #[arg(long, value_name = "ADDRESS", requires = "from_eml")]
    mail_from: Option<String>,

    /// Who gets it; may be given several times [default: its To and Cc]
    #[arg(long, value_name = "ADDRESS", requires = "from_eml")]
    rcpt: Vec<String>,

    /// Who connects: `name [address]` [default: client.example.org [192.0.2.1]]
    #[arg(long, value_name = "CLIENT", requires = "from_eml")]
    client: Option<String>,
}

/// The end of the help.
pub(crate) const HELP: &str = "\
Examples:
  fake-mta init --command './my-milter {listen}'
  fake-mta init --command 'python3 my-milter.py {listen}' tests
  fake-mta init --from-eml letter.eml --rcpt bob@example.net

Then `fake-mta run` shows what the milter does, and `fake-mta run --bless` accepts it.";

/// Writes the files, and none over one that is there.
pub(crate) fn init(args: &InitArgs, console: &mut Console) -> Exit {
    let files = match &args.from_eml {
        Some(letter) => of_letter(args, letter),
        None => suite_file(args).map(|suite| vec![suite, (args.dir.join(FIRST), FIRST_SCENARIO.into())]),
    };
    if let Err(diags) = files.and_then(|files| write_new(&args.dir, &files, console)) {
        console.diags(&diags);
        return Exit::HARNESS;
    }
    let dir = crate::run::quoted(&args.dir.to_string_lossy());
    console.results(&format!(
        "next: fake-mta run {dir} shows what your milter does; fake-mta run {dir} --bless accepts it\n"
    ));
    Exit::PASSED
}

/// The command where none is given.
const COMMAND: &str = "my-milter --listen {listen}";

/// A file and what is to be in it.
type NewFile = (PathBuf, Vec<u8>);

/// `fake-mta.toml`.
///
/// # Errors
/// A command that is none.
fn suite_file(args: &InitArgs) -> Result<NewFile, Vec<Diag>> {
    let path = args.dir.join(FILE_NAME);
    let command = args.command.as_deref().unwrap_or(COMMAND);
    let text = suite(command, way_back(&args.dir).as_deref());
    Suite::parse(&Source::new(path.as_path(), text.as_str()))?;
    Ok((path, text.into_bytes()))
}

/// A copy of the message, a scenario beside it that sends it, and the suite file if there is none.
fn of_letter(args: &InitArgs, letter: &Path) -> Result<Vec<NewFile>, Vec<Diag>> {
    let envelope =
        letter::Envelope { sender: args.mail_from.clone(), recipients: args.rcpt.clone(), client: args.client.clone() };
    let message = diag::read_bytes(letter, diag::MAX_MESSAGE_BYTES).map_err(|diag| vec![diag])?;
    let text = letter::scenario(letter, &message, &envelope).map_err(|diag| vec![diag])?;
    // The message is there already.
    scenario::parse(&Source::new(letter.with_extension("toml"), text.as_str()))?;
    let copy = args.dir.join(letter.file_name().unwrap_or_default());
    let path = copy.with_extension("toml");
    let is_there = fs::canonicalize(&copy).ok().is_some_and(|copy| fs::canonicalize(letter).ok() == Some(copy));
    let mut files = Vec::new();
    if !is_there {
        files.push((copy, message));
    }
    files.push((path, text.into_bytes()));
    if args.command.is_some() || crate::suite::find(&args.dir.join(FIRST)).is_none() {
        files.push(suite_file(args)?);
    }
    Ok(files)
}

/// Writes all files, or none.
fn write_new(dir: &Path, files: &[NewFile], console: &mut Console) -> Result<(), Vec<Diag>> {
    for (path, _) in files {
        if fs::symlink_metadata(path).is_ok() {
            let diag = diag::cannot("write", path, io::Error::from(io::ErrorKind::AlreadyExists));
            return Err(vec![diag.help("it is there already, and is left as it is; name another folder")]);
        }
    }
    fs::create_dir_all(dir).map_err(|error| vec![diag::cannot("make", dir, error)])?;
    for (index, (path, bytes)) in files.iter().enumerate() {
        let written = fs::File::create_new(path).and_then(|mut file| file.write_all(bytes));
        if let Err(error) = written {
            // What is half written would be in the way of the next attempt.
            files[..=index].iter().for_each(|(path, _)| drop(fs::remove_file(path)));
            return Err(vec![diag::cannot("write", path, error)]);
        }
    }
    files.iter().for_each(|(path, _)| console.results(&format!("wrote {}\n", diag::shown(path))));
    Ok(())
}

/// The folder in which `init` was called, as seen from the suite's: the command is written for that one.
fn way_back(dir: &Path) -> Option<String> {
    let mut steps = dir.components().filter(|step| *step != Component::CurDir).peekable();
    steps.peek()?;
    if steps.all(|step| matches!(step, Component::Normal(_))) {
        let depth = dir.components().filter(|step| *step != Component::CurDir).count();
        return Some(vec![".."; depth].join("/"));
    }
    std::env::current_dir().ok().map(|dir| dir.to_string_lossy().into_owned())
}

fn suite(command: &str, cwd: Option<&str>) -> String {
    let string = |text: &str| toml::Value::String(text.to_owned());
    let command = string(command);
    // It runs in the suite file's own folder.
    let build = cwd.map_or_else(|| "make".to_owned(), |cwd| format!("make -C {}", crate::run::quoted(cwd)));
    let cwd = cwd.map(|cwd| format!("# The folder it starts in, seen from this one.\ncwd = {}\n", string(cwd)));
    let cwd = cwd.unwrap_or_default();
    format!(
        "# The milter that the scenarios in this folder are played against.\n\n\
         [milter]\n\
         # {{listen}} is the socket that it has to listen on, {{dns}} the DNS server to ask, {{dir}} a folder for its files.\n\
         command = {command}\n\
         {cwd}\
         # Once before a run, if it has to be built, and the sources that --watch looks at:\n\
         # build = \"{build}\"\n\
         # watch = [\"../src\"]\n\
         # A milter that knows TCP alone:\n\
         # socket = \"inet\"\n\
         # Its configuration: as TOML, or in its own syntax; and its environment.\n\
         # config_file = \"{{dir}}/milter.toml\"\n\
         # config = {{ greeting = \"hello\" }}\n\
         # files.\"milter.conf\" = \"Socket {{listen}}\"\n\
         # env = {{ TZ = \"UTC\" }}\n\
         # One process for all scenarios that hand it nothing of their own, where starting takes long:\n\
         # process = \"suite\"\n\
         # ready_timeout = \"1m\"\n\
         # A milter that asks the servers of /etc/resolv.conf:\n\
         # netns = true\n"
    )
}

const FIRST: &str = "first.toml";

/// A plain message in both profiles; `fake-mta bench` sends it where no scenario is named.
pub(crate) const FIRST_SCENARIO: &str = r#"name = "a plain message is taken"

[mta]
profile = ["sendmail", "postfix"]

[dns]
zone = '''
example.org.   TXT "v=spf1 ip4:192.0.2.1 -all"
'''

# `C:` is what the client says. What is expected is written below: `S:` what the MTA answers, `M:` what the milter said,
# `D:` a DNS question. What is not written is not checked; `fake-mta run -v` shows all of it. `M: continue` says that the milter
# neither refuses nor changes the message: if yours does, `--bless` writes what it does in that place.
[[session]]
client = "client.example.org [192.0.2.1]"
dialogue = '''
C: EHLO client.example.org
C: MAIL FROM:<sender@example.org>
C: RCPT TO:<rcpt@example.net>
C: [message]
M: continue
C: QUIT
'''
envelope = [
    "MAIL FROM:<sender@example.org>",
    "RCPT TO:<rcpt@example.net>[..]",
]
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_without_a_complaint() {
        assert!(Suite::parse(&Source::new(FILE_NAME, suite("./m \"a b\" {listen}", None))).is_ok());
        assert!(Suite::parse(&Source::new(FILE_NAME, suite("./m", Some(".. \"x\"")))).is_ok());
        assert!(scenario::parse(&Source::new(FIRST, FIRST_SCENARIO)).is_ok());
    }

    #[test]
    fn the_command_starts_where_it_was_written_for() {
        let way = |dir: &str| way_back(Path::new(dir));
        assert_eq!((way("."), way("scenarios"), way("./a/b")), (None, Some("..".to_owned()), Some("../..".to_owned())));
        assert!(way("../elsewhere").is_some_and(|path| Path::new(&path).is_absolute()));
    }

    /// `fake-mta init` in a folder: its exit code, and what is in the folder then.
    fn made(folder: &Path, command: impl Into<Option<&'static str>>, from_eml: Option<&str>) -> (Exit, Vec<String>) {
        let (dir, from_eml) = (folder.join("new"), from_eml.map(|name| folder.join(name)));
        let (mail_from, rcpt, client) = (None, Vec::new(), None);
        let command = command.into().map(str::to_owned);
        let args = InitArgs { dir, command, from_eml, mail_from, rcpt, client };
        let exit = init(&args, &mut Console::plain(io::sink(), io::sink()));
        let files = fs::read_dir(folder.join("new")).into_iter().flatten().flatten();
        let mut names: Vec<String> = files.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        (exit, names)
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn nothing_is_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let all = names(&[FILE_NAME, FIRST]);
        assert_eq!(made(folder.path(), "m {listen}", None), (Exit::PASSED, all.clone()));
        assert_eq!(made(folder.path(), "m {listen}", None), (Exit::HARNESS, all));
        fs::remove_file(folder.path().join("new").join(FILE_NAME)).expect("it is there");
        assert_eq!(made(folder.path(), "m {listen}", None), (Exit::HARNESS, names(&[FIRST])), "all or none");
    }

    #[test]
    fn a_command_that_is_none_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        for command in ["a \"b", "m {listne}", ""] {
            assert_eq!(made(folder.path(), command, None), (Exit::HARNESS, Vec::new()), "{command}");
        }
    }

    #[test]
    fn a_message_that_makes_no_scenario_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let letter = |text: &str| fs::write(folder.path().join("x.eml"), text).expect("a file");
        letter("From: <a@b.example>\n\n");
        assert_eq!(made(folder.path(), None, Some("x.eml")), (Exit::HARNESS, Vec::new()), "it names no recipient");
        letter("From: <a@b.example>\nTo: \"D, C\" <c@d.example>\n\n");
        // These tests run in a project that has a suite file.
        let all = names(&["x.eml", "x.toml"]);
        assert_eq!(made(folder.path(), None, Some("x.eml")), (Exit::PASSED, all));
        fs::remove_dir_all(folder.path().join("new")).expect("it is there");
        let all = names(&[FILE_NAME, "x.eml", "x.toml"]);
        assert_eq!(made(folder.path(), "m {listen}", Some("x.eml")), (Exit::PASSED, all), "somebody named a milter");
    }
}
