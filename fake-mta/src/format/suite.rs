//! `fake-mta.toml`.

use super::{Key, Shape, Table, table::words};
use crate::suite::{ProcessScope, SocketKind, StopSignal};

/// A whole file.
pub(crate) const SUITE: Table = Table {
    name: "suite",
    keys: &[
        Key::new("milter", Shape::Table(&SUITE_MILTER), "table", "how the milter under test is started").required(),
        Key::new(
            "openspf",
            Shape::Table(&OPENSPF),
            "table",
            "how it is configured for [openspf suites](#openspf-suites)",
        ),
    ],
};

/// `[milter]`.
pub(crate) const SUITE_MILTER: Table = Table {
    name: "milter",
    keys: &[
        Key::new(
            "command",
            Shape::Command,
            "string or list of words",
            "starts the milter; a string is split as a shell does, but no shell runs it",
        )
        .required(),
        Key::new(
            "build",
            Shape::Command,
            "string or list of words",
            "run once, before the first scenario, in the folder of this file; a fake-mta that runs from a target directory of cargo's lets `cargo build` build there too",
        )
        .default("nothing is built"),
        Key::new("config_file", Shape::Text, "string", "where `config` is written to, as TOML")
            .default("no configuration is written"),
        Key::new(
            "config",
            Shape::Free,
            "table",
            "what all scenarios share; a scenario's own `[milter.config]` is laid over it",
        )
        .default("empty"),
        Key::new(
            "files",
            Shape::Strings,
            "table of strings",
            "further files in `{dir}`, by their names: configuration in the milter's own syntax",
        ),
        Key::new("env", Shape::Strings, "table of strings", "further environment"),
        Key::new(
            "helper",
            Shape::Tables(&HELPER),
            "tables",
            "programs that the milter talks to, started before it, in their order, and ended with it",
        ),
        Key::new(
            "user",
            Shape::Text,
            "string",
            "the user that the milter, started as root, becomes by itself: `{dir}` and what is in it belong to them",
        )
        .default("as fake-mta"),
        Key::new(
            "process",
            Shape::Word(|| words(&ProcessScope::ALL)),
            "`scenario`, `suite`",
            "how long one process lives: for one run, or for all runs whose scenario has no `[milter]` table, one after the other",
        )
        .default("`scenario`"),
        Key::new(
            "netns",
            Shape::Boolean,
            "true, false",
            "the milter asks the servers of `/etc/resolv.conf`: [namespaces](#milters-that-read-etcresolvconf)",
        )
        .default("`false`"),
        Key::new("cwd", Shape::Text, "string", "the folder the milter starts in").default("the suite file's folder"),
        Key::new(
            "socket",
            Shape::Word(|| words(&SocketKind::ALL)),
            "`unix`, `inet`",
            "what it listens on: a socket in `{dir}`, or a free port of 127.0.0.1",
        )
        .default("`unix`"),
        Key::new("ready_timeout", Shape::Time, "time", "until it has to accept connections").default("`20s`"),
        Key::new(
            "stop_signal",
            Shape::Word(|| words(&StopSignal::ALL)),
            "`TERM`, `INT`, `QUIT`, `HUP`",
            "asks it to stop",
        )
        .default("`TERM`"),
        Key::new("stop_timeout", Shape::Time, "time", "until it is killed").default("`10s`"),
        Key::new(
            "watch",
            Shape::Texts,
            "list of strings",
            "files and folders that the milter is made of, seen from the suite file's folder: with `--watch` a change there runs everything",
        )
        .default("`[]`"),
    ],
};

/// `[[milter.helper]]`.
pub(crate) const HELPER: Table = Table {
    name: "helper",
    keys: &[
        Key::new("command", Shape::Command, "string or list of words", "starts it, with the placeholders of the milter's")
            .required(),
        Key::new(
            "ready",
            Shape::Address,
            "string",
            "where it accepts connections once it is ready, as `unix:{dir}/clamd.sock` or `inet:783@127.0.0.1`; `ready_timeout` holds for it too",
        )
        .default("nothing is waited for"),
    ],
};

/// `[openspf]`.
pub(crate) const OPENSPF: Table = Table {
    name: "openspf",
    keys: &[
        Key::new(
            "results",
            Shape::Free,
            "table",
            "nothing should be refused; without the table the result is guessed from refusals",
        ),
        Key::new(
            "explanations",
            Shape::Free,
            "table",
            "`fail` is to be refused at RCPT with the explanation as the text, by default `DEFAULT`; without the table explanations \
             are skipped",
        ),
    ],
};
