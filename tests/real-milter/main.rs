//! spf-milter behind Debian's real sendmail and Postfix, configured as the guides in `docs/` say: what SMTP clients are told, what is
//! delivered, and what the MTAs log.
//!
//! `.ci/install-mtas` and `.ci/install-peers` install what this needs. Without `REAL_MTA` in the environment, or where something is
//! missing, the tests are skipped, and say so; `REAL_MTA=required` makes what is missing a failure.

mod cases;
mod client;
mod guide;
mod inside;
#[path = "../real-mta/installed.rs"]
mod installed;
mod milter;
mod mta;
mod sasl;
#[path = "../real-mta/sink.rs"]
mod sink;
mod syslog;
mod traffic;
mod world;

use std::{path::Path, process::ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};

use crate::{cases::Case, installed::Installed, mta::Kind};

fn main() -> ExitCode {
    if let Some((case, kind)) = inside::asked_for() {
        return inside::play(case, kind);
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(THREADS));
    let trials = match wanted().and_then(|()| Installed::find()).and_then(|found| peers().map(|()| found)) {
        Ok(installed) => trials(&installed),
        Err(missing) => without(&missing),
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// It takes root, so it runs where it is asked for.
fn wanted() -> Result<(), String> {
    let text = "REAL_MTA is not set (`required` makes what is missing a failure)";
    std::env::var("REAL_MTA").map(drop).map_err(|_| text.to_owned())
}

/// What `.ci/install-peers` installs.
fn peers() -> Result<(), String> {
    let missing: Vec<&str> = PEERS.into_iter().filter(|path| !Path::new(path).exists()).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("no {}", missing.join(", no "))) }
}

fn trials(installed: &Installed) -> Vec<Trial> {
    let each = |(case, kind): (Case, Kind)| {
        let sendmail = installed.sendmail.clone();
        Trial::test(case.name(), move || inside::run(case, kind, &sendmail).map_err(Failed::from))
            .with_kind(kind.word())
    };
    Case::all().into_iter().map(each).collect()
}

/// Without the MTAs nothing can be shown: that is said once, and is a failure where they are required.
fn without(missing: &str) -> Vec<Trial> {
    let text = format!(
        "spf-milter behind real MTAs: {missing}\n`sudo {0}/install-mtas && sudo {0}/install-peers` installs what it needs",
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci").display()
    );
    if std::env::var("REAL_MTA").is_ok_and(|word| word == "required") {
        return vec![Trial::test("the_mtas_are_here", move || Err(Failed::from(text)))];
    }
    eprintln!("skipped: {text}");
    let skipped =
        |(case, kind): (Case, Kind)| Trial::test(case.name(), || Ok(())).with_kind(kind.word()).with_ignored_flag(true);
    Case::all().into_iter().map(skipped).collect()
}

/// So many cases go at once.
const THREADS: usize = 2;

/// Programs and modules that the MTAs work with.
const PEERS: [&str; 5] = [
    "/usr/sbin/opendmarc",
    "/usr/sbin/haproxy",
    "/usr/sbin/rsyslogd",
    "/lib/systemd/systemd-journald",
    "/usr/lib/postfix/configure-instance.sh",
];
