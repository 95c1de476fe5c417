//! Scenario files.

use super::{Key, Shape, Table, table::words};
use crate::scenario::{DefaultAction, DnsMode, LogFormat, MacroStage, ProfileName};

/// A whole file.
pub(crate) const SCENARIO: Table = Table {
    name: "scenario",
    keys: &[
        Key::new("format", Shape::Exactly(1), "number", "the version of the format; `1`, which is also the default"),
        Key::new("name", Shape::Line, "string, one line", "what the scenario shows").required(),
        Key::new("note", Shape::Text, "string", "what the author has to say about it"),
        Key::new("rfc", Shape::Texts, "list of strings", "sections it shows: `[\"7208#8.4\"]`"),
        Key::new("tags", Shape::Texts, "list of strings", "free words: `--tag WORD` picks by them"),
        Key::new("differs", Shape::Text, "string", "why sendmail and Postfix part in it: [two MTAs](#two-mtas)"),
        Key::new(
            "known_deviation",
            Shape::ByProfile,
            "string, or table: profile = string",
            "in what the milter is known to differ from what the scenario expects: [known deviations](#known-deviations)",
        ),
        Key::new(
            "instead",
            Shape::Instead,
            "table of blocks",
            "what comes instead, where a deviation is known: [known deviations](#known-deviations)",
        ),
        Key::new("dns", Shape::Table(&DNS), "table", "zone, faults, expected questions: [DNS](#dns)"),
        Key::new("mta", Shape::Table(&MTA), "table", "profiles and what the mail administrator has set: [MTA](#mta)"),
        Key::new(
            "milter",
            Shape::Either(&MILTER, &CHAINED),
            "table, or list of tables",
            "what this scenario hands to the milter: [milter](#milter); or to each of [several milters](#several-milters)",
        ),
        Key::new("messages", Shape::Messages(&MESSAGE), "table", "texts of messages: [messages](#messages)"),
        Key::new(
            "session",
            Shape::Tables(&SESSION),
            "list of tables, at least one",
            "SMTP connections, one after the other: [sessions](#sessions)",
        )
        .required(),
        Key::new(
            "variant",
            Shape::Variants(&VARIANT),
            "list of tables",
            "the same scenario with differences: [variants](#variants)",
        ),
        Key::new("case", Shape::Rows, "list of tables", "rows of values that fill the scenario: [cases](#cases)"),
    ],
};

/// `[dns]`.
pub(crate) const DNS: Table = Table {
    name: "dns",
    keys: &[
        Key::new("zone", Shape::Block, "block", "master-file text (RFC 1035 section 5)").default("nothing"),
        Key::new("include", Shape::Texts, "list of strings", "zone files beside the scenario, read before `zone`")
            .default("`[]`"),
        Key::new(
            "mode",
            Shape::Word(|| words(&DnsMode::ALL)),
            "`recursive`, `authoritative`",
            "answers as a resolver's (CNAMEs followed, RA set), or as those of the zones' own servers",
        )
        .default("`recursive`"),
        Key::new("fault", Shape::Lines, "list or block of rules", "how the server misbehaves").default("none"),
        Key::new(
            "expect",
            Shape::Lines,
            "list or block of questions",
            "**all** questions of the run, in their order: `[\"example.com TXT\"]`; `[]` for none",
        )
        .default("not checked"),
    ],
};

/// `[mta]`.
pub(crate) const MTA: Table = Table {
    name: "mta",
    keys: &[
        Key::new(
            "profile",
            Shape::Words(|| words(&ProfileName::ALL)),
            "string or list",
            "as which MTA it runs: `sendmail`, `sendmail-8.17`, `postfix`, `postfix-3.7`, or `direct` (Postfix's packets without \
             SMTP's syntax checks)",
        )
        .default("`[\"sendmail\", \"postfix\"]`"),
        Key::new("hostname", Shape::Text, "string", "macro `j`, `myhostname`").default("`mx.example.com`"),
        Key::new("filter", Shape::Text, "string", "the milter's name in the MTA's configuration, as sendmail's log shows it")
            .default("`milter`"),
        Key::new(
            "log_format",
            Shape::Word(|| words(&LogFormat::ALL)),
            "`current`, `old`",
            "sendmail's log: `Milter (name) add: …` and the `milter=name, …` lines, or `Milter add: …` without them, as sendmail \
             8.12 wrote it",
        )
        .default("`current`"),
        Key::new(
            "macros",
            Shape::Table(&MACROS),
            "table: stage = list",
            "the macros that are sent at a stage, as in `confMILTER_MACROS_CONNECT`: `connect = \"j, {if_addr}\"`; the stages are \
             `connect`, `helo`, `mail`, `rcpt`, `data`, `eoh`, `eom`; an empty list sends none",
        )
        .default("the MTA's own"),
        Key::new(
            "macro_values",
            Shape::StringsOf(&MACROS_OF_ADDRESSES),
            "table: name = value",
            "values of macros, by their names with or without braces; those of the sender (`mail_addr`, `mail_host`, `mail_mailer`) \
             and of recipients (`rcpt_…`) may be tables of values by address: `rcpt_host = { \"bob@example.net\" = \"[192.0.2.9]\" }`",
        )
        .default("the MTA's own"),
        Key::new(
            "timeouts",
            Shape::Table(&TIMEOUTS),
            "table of times",
            "sendmail's `T=`: `connect`, `send`, `read`, `eom`; Postfix's `command` stands for `send` and `read`, its `content` for \
             `eom`",
        )
        .default("the MTA's own"),
        Key::new(
            "default_action",
            Shape::Word(|| words(&DefaultAction::ALL)),
            "word",
            "what a failing milter means: `accept`, `reject` (`R`), `tempfail` (`T`), `shutdown` (`4`), `quarantine`",
        )
        .default("`tempfail`"),
        Key::new(
            "protocol_version",
            Shape::Number(2, 6),
            "number",
            "the highest version of the milter protocol that is offered, 2 to 6",
        )
        .default("the MTA's own"),
        Key::new(
            "local_domains",
            Shape::Texts,
            "list of strings",
            "class `w`, `mydestination`; others are refused unless `relay` has them",
        )
        .default("every recipient is taken"),
        Key::new("relay", Shape::Texts, "list of strings", "domains that are relayed for, if `local_domains` is set")
            .default("`[]`"),
        Key::new(
            "unknown_recipients",
            Shape::Texts,
            "list of strings",
            "`user@domain` that the MTA itself refuses",
        )
        .default("`[]`"),
        Key::new(
            "resolve_sender_domains",
            Shape::Boolean,
            "true, false",
            "whether the sender's domain must have an A or MX record",
        )
        .default("`false`"),
        Key::new("date", Shape::Date, "string, RFC 3339", "the MTA's clock, which stands still")
            .default("`2004-08-01T12:00:00Z`"),
        Key::new("queue_id", Shape::Text, "string", "the queue id of the first message, macro `i`").default("made up"),
    ],
};

/// The macros of a sender, and of a recipient.
pub(crate) const MACROS_OF_ADDRESSES: [&str; 6] =
    ["mail_addr", "mail_host", "mail_mailer", "rcpt_addr", "rcpt_host", "rcpt_mailer"];

/// `[mta.macros]`.
pub(crate) const MACROS: Table = Table {
    name: "macros",
    keys: &{
        let mut keys =
            [Key::new("", Shape::Text, "string", "the macros that are sent at this stage"); MacroStage::ALL.len()];
        let mut index = 0;
        while index < keys.len() {
            keys[index].name = MacroStage::ALL[index].0;
            index += 1;
        }
        keys
    },
};

/// `[mta.timeouts]`: sendmail's names, and Postfix's `command` and `content`.
pub(crate) const TIMEOUTS: Table = Table {
    name: "timeouts",
    keys: &[
        Key::new("connect", Shape::Time, "time", "to connect and negotiate"),
        Key::new("send", Shape::Time, "time", "to send one packet"),
        Key::new("read", Shape::Time, "time", "to read one answer"),
        Key::new("eom", Shape::Time, "time", "from the end of the message to its last answer"),
        Key::new("command", Shape::Time, "time", "Postfix's name for `send` and `read`"),
        Key::new("content", Shape::Time, "time", "Postfix's name for `eom`"),
    ],
};

const CONFIG: Key = Key::new(
    "config",
    Shape::Free,
    "table",
    "laid over `config` of the [suite file](#the-suite-file), key by key, and written to its `config_file`",
);

const ARGS: Key = Key::new("args", Shape::Texts, "list of strings", "further arguments, behind the suite's command");

const ENV: Key = Key::new("env", Shape::Strings, "table of strings", "further environment");

const NAME: Key =
    Key::new("name", Shape::Text, "string", "its name in the MTA's configuration").default("`milter`, `milter2`, …");

const ON_FAILURE: Key =
    Key::new("default_action", Shape::Word(|| words(&DefaultAction::ALL)), "word", "what its failure means")
        .default("that of `[mta]`");

const ITS_TIMEOUTS: Key =
    Key::new("timeouts", Shape::Table(&TIMEOUTS), "table of times", "as in `[mta]`").default("those of `[mta]`");

/// `[milter]`.
pub(crate) const MILTER: Table = Table { name: "milter", keys: &[CONFIG, ARGS, ENV] };

/// Each `[[milter]]` of a chain.
pub(crate) const CHAINED: Table =
    Table { name: "chainedMilter", keys: &[CONFIG, ARGS, ENV, NAME, ON_FAILURE, ITS_TIMEOUTS] };

/// What the reference tells of it alone.
pub(super) const CHAINED_MORE: Table = Table { name: "chainedMilter", keys: &[NAME, ON_FAILURE, ITS_TIMEOUTS] };

/// A message that is a table.
pub(crate) const MESSAGE: Table = Table {
    name: "message",
    keys: &[
        Key::new("text", Shape::Text, "string", "the message"),
        Key::new("file", Shape::Text, "string", "a file beside the scenario"),
    ],
};

/// `[[session]]`.
pub(crate) const SESSION: Table = Table {
    name: "session",
    keys: &[
        Key::new(
            "client",
            Shape::Text,
            "`name [address]:port`",
            "who connects; name and port may be left out, and then the brackets too",
        )
        .required(),
        Key::new("dialogue", Shape::Block, "block", "what happens").required(),
        Key::new("helo", Shape::Text, "string", "a `HELO` line before the rest of the dialogue, for cases"),
        Key::new("wire", Shape::Block, "block", "the packets between MTA and milter: [wire blocks](#wire-blocks)")
            .default("not checked"),
        Key::new(
            "envelope",
            Shape::Lines,
            "list or block",
            "what left the MTA: for each message `MAIL FROM:<…>`, then `RCPT TO:<…>` for each recipient, in any order, with their \
             parameters; `[]` if nothing did",
        )
        .default("not checked"),
        Key::new(
            "delivered",
            Shape::Blocks,
            "block, or list of blocks",
            "the messages that left, one block each; `[]` if none did",
        )
        .default("not checked"),
        Key::new(
            "log",
            Shape::Lines,
            "list or block",
            "log lines of the session that come in this order, with others between them",
        )
        .default("not checked"),
    ],
};

/// `[[variant]]`; its other keys are those of a scenario.
pub(super) const VARIANT: Table = Table {
    name: "variant",
    keys: &[
        Key::new("name", Shape::Line, "string", "stands behind the scenario's name").required(),
        Key::new("expect", Shape::Expected, "table of blocks", "other expected lines for single steps"),
    ],
};
