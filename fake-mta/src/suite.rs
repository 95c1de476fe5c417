//! `fake-mta.toml`: the milter under test, named once for all scenarios of a folder.

mod find;
mod helper;
mod template;
mod words;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

pub use find::{FILE_NAME, find};
pub use helper::Helper;
pub(crate) use template::names_dns;
pub use template::{Placeholders, Template};

use crate::{
    diag::{self, Diag, Source},
    format,
    scenario::{Fields, Located, Node, Problems, Value, to_toml_table},
};

/// A suite file: how the milter under test is built, started, configured and stopped.
#[derive(Debug)]
pub struct Suite {
    /// The file it was read from.
    pub source: Arc<Source>,
    /// Built once before the first scenario, word by word.
    pub build: Option<Vec<Template>>,
    /// The program and its arguments, word by word. No shell is in between.
    pub command: Vec<Template>,
    /// Environment beside what fake-mta itself has.
    pub env: BTreeMap<String, Template>,
    /// The folder it starts in, below the suite's; the suite's own if `None`.
    pub cwd: Option<Template>,
    /// `[milter.config]`: what a scenario's own is laid over.
    pub config: toml::Table,
    /// The file that the configuration is written to, as TOML; without one no scenario can hand one over.
    pub config_file: Option<Template>,
    /// Further files that the milter reads, by their names in the run's own folder.
    pub files: BTreeMap<String, Template>,
    /// What has to run beside the milter, in the order in which it is started.
    pub helpers: Vec<Helper>,
    /// The user whom the run's own folder belongs to: for milters that give up root for this user.
    pub user: Option<Located<String>>,
    /// How long one process of the milter lives.
    pub process: ProcessScope,
    /// The milter knows no DNS server but those of `/etc/resolv.conf`: it gets namespaces of its own, with one.
    pub netns: bool,
    /// How long it may take until it accepts connections.
    pub ready_timeout: Duration,
    /// The signal that asks it to stop.
    pub stop_signal: StopSignal,
    /// How long it may take to stop before it is killed.
    pub stop_timeout: Duration,
    /// What kind of address it listens on.
    pub socket: SocketKind,
    /// Files and folders that it is made of, seen from the suite's folder.
    pub watch: Vec<PathBuf>,
    /// `[openspf]`: how the milter is configured for openspf suites.
    pub openspf: OpenspfConfig,
}

/// `[openspf]`: tables that are laid over `[milter.config]` while tests of an openspf suite are played.
#[derive(Debug, Default)]
pub struct OpenspfConfig {
    /// For results: nothing is refused, so that the verdict can be read from the delivered message.
    pub results: Option<toml::Table>,
    /// For explanations: `fail` is refused at RCPT with the explanation as the text; without it they are not played.
    pub explanations: Option<toml::Table>,
}

/// What kind of address the milter listens on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SocketKind {
    /// A Unix socket in the scenario's own folder.
    #[default]
    Unix,
    /// A free TCP port on the loopback address.
    Inet,
}

impl SocketKind {
    /// Both, with the word the file has for each.
    pub const ALL: [(&'static str, Self); 2] = [("unix", Self::Unix), ("inet", Self::Inet)];
}

/// How long one process of the milter lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProcessScope {
    /// For one scenario in one profile.
    #[default]
    Scenario,
    /// For all scenarios that hand it nothing of their own, one after the other.
    Suite,
}

impl ProcessScope {
    /// Both, with the word the file has for each.
    pub const ALL: [(&'static str, Self); 2] = [("scenario", Self::Scenario), ("suite", Self::Suite)];
}

/// The signal that asks a milter to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StopSignal {
    /// `SIGTERM`.
    #[default]
    Term,
    /// `SIGINT`.
    Int,
    /// `SIGQUIT`.
    Quit,
    /// `SIGHUP`.
    Hup,
}

impl StopSignal {
    /// All of them, with the word the file has for each.
    pub const ALL: [(&'static str, Self); 4] =
        [("TERM", Self::Term), ("INT", Self::Int), ("QUIT", Self::Quit), ("HUP", Self::Hup)];
}

impl fmt::Display for StopSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Term => "SIGTERM",
            Self::Int => "SIGINT",
            Self::Quit => "SIGQUIT",
            Self::Hup => "SIGHUP",
        })
    }
}

impl Suite {
    /// The folder of the suite file: where commands start.
    pub fn dir(&self) -> &Path {
        match self.source.path().parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir,
            _ => Path::new("."),
        }
    }

    /// Reads a suite file's text.
    ///
    /// # Errors
    /// All that is wrong in it, in the order of the places.
    pub fn parse(source: &Arc<Source>) -> Result<Self, Vec<Diag>> {
        let root = Node::parse(source)?;
        let mut problems = Problems::default();
        Fields::open(&root, FILE_NAME, &format::SUITE.names(), &mut problems);
        let openspf = read_openspf(&root, &mut problems);
        let suite = match root.get("milter") {
            Some(milter) => read(source, milter, &mut problems).map(|suite| Self { openspf, ..suite }),
            None => {
                let diag = Diag::error(format!("{FILE_NAME} has no [milter]")).label(&root.span.part(0..0), "");
                problems.add(diag.help("add `[milter]` with the `command` that starts the milter under test"));
                None
            }
        };
        suite.iter().for_each(|suite| suite.check_config_keys(&mut problems));
        match suite {
            Some(suite) if problems.is_empty() => Ok(suite),
            _ => Err(problems.into_vec()),
        }
    }

    /// The files that words of the command may name: the program, the script that it reads, its configuration.
    pub(crate) fn command_files(&self, bin: &Path) -> Vec<PathBuf> {
        let cwd = self.cwd.as_ref().map_or_else(|| self.dir().to_owned(), |cwd| self.dir().join(cwd.text()));
        let words = self.command.iter().map(|word| word.text().replace("{bin}", &bin.to_string_lossy()));
        let file = |word: String| (!word.contains('{')).then(|| cwd.join(word.rsplit('=').next().unwrap_or_default()));
        words.filter_map(file).collect()
    }

    /// Whether `[milter.config]` reaches the milter: as a file, or through placeholders.
    pub(crate) fn takes_config(&self) -> bool {
        self.config_file.is_some() || self.templates().any(|template| template.config_keys().next().is_some())
    }

    /// Whether a placeholder for the DNS server stands in anything that reaches the milter.
    pub(crate) fn names_dns(&self) -> bool {
        let openspf = self.openspf.results.iter().chain(&self.openspf.explanations);
        self.templates().any(|template| names_dns(template.text()))
            || [&self.config].into_iter().chain(openspf).any(|table| names_dns(&table.to_string()))
    }

    /// A placeholder without a value in the suite would be one for some scenarios and none for others.
    fn check_config_keys(&self, problems: &mut Problems) {
        for (key, span) in self.templates().flat_map(Template::config_keys) {
            if !matches!(self.config.get(key), None | Some(toml::Value::Table(_) | toml::Value::Array(_))) {
                continue;
            }
            let diag = Diag::error(format!("`{{config.{key}}}` has no value")).label(&span, "");
            problems.add(diag.help(format!("give it one that holds for all scenarios: `config.{key} = \"…\"`")));
        }
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        let helpers = self.helpers.iter().flat_map(|helper| helper.command.iter().chain(&helper.ready));
        let words = self.command.iter().chain(self.env.values()).chain(self.files.values()).chain(helpers);
        words.chain(&self.cwd).chain(&self.config_file)
    }
}

fn read(source: &Arc<Source>, node: &Node, problems: &mut Problems) -> Option<Suite> {
    let mut fields = Fields::open(node, "[milter]", &format::SUITE_MILTER.names(), problems);
    let socket = fields.word("socket", &SocketKind::ALL).map(|word| word.value).unwrap_or_default();
    let command = command_words(&mut fields, "command", socket);
    if fields.node("command").is_none() {
        let diag = Diag::error("[milter] has no `command`").label(&node.span, "");
        fields.problems().add(diag.help("write `command = \"{bin}/my-milter --listen {listen}\"`"));
    }
    let config = match fields.node("config").map(|config| to_toml_table(config, "[milter.config]")) {
        Some(config) => fields.problems().take(config)?,
        None => toml::Table::new(),
    };
    Some(Suite {
        source: Arc::clone(source),
        build: command_words(&mut fields, "build", socket),
        command: command?,
        env: environment(&mut fields, socket),
        cwd: template(&mut fields, "cwd", socket),
        config,
        config_file: template(&mut fields, "config_file", socket),
        files: files(&mut fields, socket),
        helpers: helper::helpers(&mut fields, socket),
        user: fields.text("user"),
        process: fields.word("process", &ProcessScope::ALL).map(|word| word.value).unwrap_or_default(),
        netns: fields.boolean("netns").unwrap_or_default(),
        ready_timeout: fields.duration("ready_timeout").unwrap_or(READY_TIMEOUT),
        stop_signal: fields.word("stop_signal", &StopSignal::ALL).map(|word| word.value).unwrap_or_default(),
        stop_timeout: fields.duration("stop_timeout").unwrap_or(STOP_TIMEOUT),
        socket,
        watch: fields.texts("watch").unwrap_or_default().into_iter().map(|source| source.value.into()).collect(),
        openspf: OpenspfConfig::default(),
    })
}

fn read_openspf(root: &Node, problems: &mut Problems) -> OpenspfConfig {
    let Some(node) = root.get("openspf") else { return OpenspfConfig::default() };
    Fields::open(node, "[openspf]", &format::OPENSPF.names(), problems);
    if root.get("milter").is_some_and(|milter| milter.get("config_file").is_none()) {
        let diag =
            Diag::error("[openspf] configures a milter whose [milter] names no `config_file`").label(&node.span, "");
        problems.add(diag.help("add `config_file = \"{dir}/milter.toml\"` there, and name it in the command"));
    }
    let mut table = |key: &str| {
        let config = node.get(key)?;
        problems.take(to_toml_table(config, &format!("[openspf.{key}]")))
    };
    OpenspfConfig { results: table("results"), explanations: table("explanations") }
}

/// A command: a list of words, or one string that is split as a shell splits it.
fn command_words(fields: &mut Fields<'_>, key: &str, socket: SocketKind) -> Option<Vec<Template>> {
    let node = fields.node(key)?;
    let words = match node.value {
        Value::Text(_) => fields.text(key).and_then(|line| fields.problems().take(words::split(&line)))?,
        _ => fields.texts(key)?,
    };
    if words.is_empty() {
        fields.problems().add(Diag::error(format!("`{key}` names no program")).label(&node.span, ""));
        return None;
    }
    let parsed: Vec<_> = words.iter().map(|word| fields.problems().take(Template::parse(word, socket))).collect();
    parsed.into_iter().collect()
}

fn template(fields: &mut Fields<'_>, key: &str, socket: SocketKind) -> Option<Template> {
    let text = fields.text(key)?;
    fields.problems().take(Template::parse(&text, socket))
}

/// `[milter.files]`: the names are those of files in the run's folder.
fn files(fields: &mut Fields<'_>, socket: SocketKind) -> BTreeMap<String, Template> {
    let mut files = BTreeMap::new();
    for (name, text) in fields.strings("files", "[milter.files]") {
        if name.is_empty() || name.contains('/') || name.starts_with('.') {
            let diag = Diag::error(format!("`{}` is no name for a file in {{dir}}", diag::escape(&name)));
            fields.problems().add(diag.label(&text.span, "of this file").help("write a plain name: `\"my.conf\"`"));
            continue;
        }
        files.extend(fields.problems().take(Template::parse(&text, socket)).map(|text| (name, text)));
    }
    files
}

fn environment(fields: &mut Fields<'_>, socket: SocketKind) -> BTreeMap<String, Template> {
    let values = fields.strings("env", "[milter.env]");
    let mut env = BTreeMap::new();
    for (name, text) in values {
        env.extend(fields.problems().take(Template::parse(&text, socket)).map(|value| (name, value)));
    }
    env
}

/// Reads the suite file at `path`.
///
/// # Errors
/// It cannot be read, or has mistakes.
pub fn load(path: PathBuf) -> Result<Suite, Vec<Diag>> {
    let text = diag::read_text(&path, diag::MAX_TEXT_BYTES).map_err(|diag| vec![diag])?;
    Suite::parse(&Source::new(path, text))
}

/// Generous: a loaded machine must not make a green suite red.
const READY_TIMEOUT: Duration = Duration::from_secs(20);

const STOP_TIMEOUT: Duration = Duration::from_secs(10);
