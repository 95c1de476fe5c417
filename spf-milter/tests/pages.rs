//! The man pages and shell completions in `packaging/` are made from the command line's definition and from the shipped
//! configuration. `UPDATE_PAGES=1 cargo test -p spf-milter --test pages` writes them anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap_complete::{Shell, generate};
use clap_mangen::Man;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Compares a file with what it should hold, or writes it.
fn hold(path: &str, expected: &str) {
    let file = root().join(path);
    if std::env::var_os("UPDATE_PAGES").is_some() {
        std::fs::create_dir_all(file.parent().expect("the path has a folder")).expect("the folder can be made");
        std::fs::write(&file, expected).expect("the file can be written");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(found == expected, "{path} is out of date: UPDATE_PAGES=1 cargo test -p spf-milter --test pages");
}

#[test]
fn the_man_pages_say_what_the_programs_do() {
    let mut whole = spf_milter::command();
    whole.build();
    hold("packaging/man/spf-milter.8", &page(&whole, "spf-milter", SEE_ALSO));
    for title in ["spf-milter-check", "spf-milter-lint", "spf-milter-config-check"] {
        let name = title.strip_prefix("spf-milter-").expect("the titles begin so");
        let command = whole.find_subcommand(name).expect("there is such a command");
        let see = ".SH SEE ALSO\n.BR spf-milter (8)\n";
        hold(&format!("packaging/man/{title}.8"), &page(command, title, see));
    }
}

/// A page of section 8. The text behind the options is shown as it is: its line ends are meant.
fn page(command: &clap::Command, title: &'static str, see_also: &str) -> String {
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let synopsis = title.replacen("spf-milter-", "spf-milter ", 1);
    let commands = commands(command);
    let man = Man::new(command.clone().name(title).bin_name(synopsis)).section("8").manual("System Administration");
    let man = man.date("");
    let mut out = Vec::new();
    let written = [Man::render_title, Man::render_name_section, Man::render_synopsis_section]
        .into_iter()
        .chain([Man::render_description_section, Man::render_options_section])
        .try_for_each(|render| render(&man, &mut out));
    written.expect("writing to memory cannot fail");
    let text = String::from_utf8(out).expect("the page is text");
    format!("{text}{commands}.SH NOTES\n.nf\n{}\n.fi\n{see_also}", escaped(after.trim_end()))
}

/// The commands below a command.
fn commands(command: &clap::Command) -> String {
    let known = command.get_subcommands().filter(|command| command.get_name() != "help");
    let entries: String = known
        .map(|known| {
            let about = known.get_about().map(ToString::to_string).unwrap_or_default();
            format!(".TP\n.B {}\n{}\n", escaped(known.get_name()), escaped(&about))
        })
        .collect();
    if entries.is_empty() { entries } else { format!(".SH COMMANDS\n{entries}") }
}

#[test]
fn the_man_page_of_the_configuration_is_the_shipped_file() {
    let shipped = std::fs::read_to_string(root().join("spf-milter/spf-milter.toml")).expect("it is there");
    hold("packaging/man/spf-milter.toml.5", &configuration(&shipped));
}

/// Comments become paragraphs, keys stand by themselves, tables are sections.
fn configuration(shipped: &str) -> String {
    let mut text = HEAD.to_owned();
    let mut paragraph: Vec<&str> = Vec::new();
    for line in shipped.lines() {
        let said = line.strip_prefix("# ").filter(|said| !said.starts_with(' ') && !is_key(said));
        if let Some(said) = said {
            paragraph.push(said);
            continue;
        }
        let table = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        if let Some(table) = table {
            let _ = writeln!(text, ".SH \"[{table}]\"");
        }
        if !paragraph.is_empty() {
            let _ = writeln!(text, ".PP\n{}", escaped(&paragraph.join("\n")));
            paragraph.clear();
        }
        let bare = line.trim_start_matches('#').trim();
        let _ = match table {
            Some(_) => Ok(()),
            None if bare.is_empty() => Ok(()),
            None if is_key(bare) && line.starts_with("# ") => {
                writeln!(text, ".RS\n.nf\n\\fI{}\\fR   (no default)\n.fi\n.RE", escaped(bare))
            }
            None if is_key(bare) => writeln!(text, ".RS\n.nf\n\\fB{}\\fR\n.fi\n.RE", escaped(bare)),
            None => writeln!(text, ".br\n{}", escaped(bare)),
        };
    }
    text + TAIL
}

/// `name = value`, or the head of a table that is not in force.
fn is_key(text: &str) -> bool {
    if text.starts_with('[') && text.ends_with(']') {
        return true;
    }
    let name = text.split_once(" = ").map(|(name, _)| name);
    name.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
}

/// Text in which roff finds no commands and no quotes of its own.
fn escaped(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let line = line
            .replace('\\', "\\e")
            .replace('"', "\\(dq")
            .replace('-', "\\-")
            .replace('`', "\\(ga")
            .replace('\'', "\\(aq");
        if line.starts_with('.') { format!("\\&{line}") } else { line }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_completions_know_all_options() {
    for (shell, file) in
        [(Shell::Bash, "spf-milter.bash"), (Shell::Zsh, "_spf-milter"), (Shell::Fish, "spf-milter.fish")]
    {
        let mut out = Vec::new();
        generate(shell, &mut spf_milter::command(), "spf-milter", &mut out);
        hold(&format!("packaging/completions/{file}"), &String::from_utf8(out).expect("completions are text"));
    }
}

const SEE_ALSO: &str = "\
.SH FILES
.TP
.I /etc/spf-milter/spf-milter.toml
the configuration, see
.BR spf-milter.toml (5)
.TP
.I /run/spf-milter/spf-milter.sock
where MTAs connect by default
.SH ENVIRONMENT
.TP
.B RUST_LOG
which log lines are written, in place of log.level
.TP
.B NOTIFY_SOCKET\\fR, \\fBWATCHDOG_USEC\\fR, \\fBLISTEN_FDS\\fR, \\fBJOURNAL_STREAM
set by systemd
.SH SEE ALSO
.BR spf-milter.toml (5),
.BR spf-milter-check (8),
.BR spf-milter-lint (8),
.BR spf-milter-config-check (8)
.PP
RFC 7208
";

const HEAD: &str = "\
.TH spf-milter.toml 5 \"\" \"spf-milter\" \"File Formats\"
.SH NAME
spf-milter.toml \\- the configuration of spf-milter
.SH DESCRIPTION
The file is TOML. All keys are listed here in the order of the file that is shipped: in bold with their defaults, in italics
with an example where they have none.
";

const TAIL: &str = "\
.SH SEE ALSO
.BR spf-milter (8),
.BR spf-milter-config-check (8)
";
