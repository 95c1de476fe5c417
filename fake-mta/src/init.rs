//! `fake-mta init`: a suite file and a first scenario for one's own milter.

mod letter;

use std::{
    fs, io,
    io::Write as _,
    path::{Component, Path, PathBuf},
};

use clap::Args;

use crate::{
    diag::Diag,
    run::{Console, Exit},
    suite::FILE_NAME,
};

/// What `fake-mta init` is asked to do.
#[derive(Args, Debug)]
pub(crate) struct InitArgs {
    /// The folder that the files go to; it is made if it is not there
    #[arg(default_value = "scenarios")]
    dir: PathBuf,

    /// The command that starts the milter; {listen} stands for its socket
    #[arg(long, value_name = "COMMAND", default_value = "my-milter --listen {listen}")]
    command: String,

    /// Make the scenario from this message; fake-mta.toml is only written if there is none yet
    #[arg(long, value_name = "FILE")]
    from_eml: Option<PathBuf>,

    /// Who sends it [default: its Return-Path or From]
    #[arg(long, value_name = "ADDRESS", requires = "from_eml")]
    mail_from: Option<String>,

    /// Who gets it; may be given several times [default: its To and Cc]
    #[arg(long, value_name = "ADDRESS", requires = "from_eml")]
    rcpt: Vec<String>,

    /// Who connects: `name [address]`
    #[arg(long, value_name = "CLIENT", requires = "from_eml")]
    client: Option<String>,
}

/// Writes the files, and none over one that is there.
pub(crate) fn init(args: &InitArgs, console: &mut Console) -> Exit {
    if let Some(letter) = &args.from_eml {
        return from_letter(args, letter, console);
    }
    let suite = suite(&args.command, way_back(&args.dir).as_deref());
    for (name, text) in [(FILE_NAME, suite), (FIRST, FIRST_SCENARIO.to_owned())] {
        let path = args.dir.join(name);
        if let Err(error) = write_new(&args.dir, &path, text.as_bytes()) {
            let diag = Diag::error(format!("cannot write {}: {error}", path.display()));
            let there = error.kind() == io::ErrorKind::AlreadyExists;
            let help = there.then(|| "it is there already, and is left as it is; name another folder".to_owned());
            console.diags(&[Diag { help: help.into_iter().collect(), ..diag }]);
            return Exit::HARNESS;
        }
        console.results(&format!("wrote {}\n", path.display()));
    }
    let dir = crate::run::quoted(&args.dir.to_string_lossy());
    console.results(&format!(
        "next: fake-mta run {dir} shows what your milter does; fake-mta run {dir} --bless accepts it\n"
    ));
    Exit::PASSED
}

/// A copy of the message, and a scenario beside it that sends it.
fn from_letter(args: &InitArgs, letter: &Path, console: &mut Console) -> Exit {
    let cannot = |what: &str, path: &Path, error: io::Error| {
        vec![Diag::error(format!("cannot {what} {}: {error}", path.display()))]
    };
    let envelope =
        letter::Envelope { sender: args.mail_from.clone(), recipients: args.rcpt.clone(), client: args.client.clone() };
    let write = || -> Result<Vec<PathBuf>, Vec<Diag>> {
        let message = fs::read(letter).map_err(|error| cannot("read", letter, error))?;
        let text = letter::scenario(letter, &message, &envelope).map_err(|diag| vec![diag])?;
        let copy = args.dir.join(letter.file_name().unwrap_or_default());
        let path = copy.with_extension("toml");
        fs::create_dir_all(&args.dir).map_err(|error| cannot("make", &args.dir, error))?;
        let is_there = fs::canonicalize(&copy).ok().is_some_and(|copy| fs::canonicalize(letter).ok() == Some(copy));
        let mut written = Vec::new();
        let mut new = |path: PathBuf, bytes: &[u8]| {
            write_new(&args.dir, &path, bytes).map_err(|error| cannot("write", &path, error))?;
            written.push(path);
            Ok::<(), Vec<Diag>>(())
        };
        if path.exists() {
            return Err(cannot("write", &path, io::ErrorKind::AlreadyExists.into()));
        }
        if !is_there {
            new(copy, &message)?;
        }
        letter::check(&path, &text)?;
        new(path, text.as_bytes())?;
        if crate::suite::find(&args.dir.join(FIRST)).is_none() {
            new(args.dir.join(FILE_NAME), suite(&args.command, way_back(&args.dir).as_deref()).as_bytes())?;
        }
        Ok(written)
    };
    match write() {
        Ok(written) => {
            written.iter().for_each(|path| console.results(&format!("wrote {}\n", path.display())));
            Exit::PASSED
        }
        Err(diags) => {
            console.diags(&diags);
            Exit::HARNESS
        }
    }
}

fn write_new(dir: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    fs::File::create_new(path)?.write_all(bytes)
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
    let cwd = cwd.map(|cwd| format!("# The folder it starts in, seen from this one.\ncwd = {}\n", string(cwd)));
    let cwd = cwd.unwrap_or_default();
    format!(
        "# The milter that the scenarios in this folder are played against.\n\n\
         [milter]\n\
         # {{listen}} is the socket that it has to listen on, {{dns}} the DNS server to ask, {{dir}} a folder for its files.\n\
         command = {command}\n\
         {cwd}\
         # Once before a run, if it has to be built:\n\
         # build = \"make\"\n\
         # A milter that knows TCP alone:\n\
         # socket = \"inet\"\n"
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

# `C:` is what the client says. What has to come of it is written below: `S:` what the MTA answers, `M:` what the milter said,
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
    use crate::{diag::Source, scenario, suite::Suite};

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

    #[test]
    fn nothing_is_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let args = InitArgs {
            dir: folder.path().join("new"),
            command: "m {listen}".to_owned(),
            from_eml: None,
            mail_from: None,
            rcpt: Vec::new(),
            client: None,
        };
        let mut console = Console::plain(io::sink(), io::sink());
        assert_eq!(init(&args, &mut console), Exit::PASSED);
        assert_eq!(init(&args, &mut console), Exit::HARNESS);
    }
}
