//! Mail does not depend on the log.

use std::fs::File;
use std::process::{Command, Stdio};

use crate::daemon::{Daemon, Launch};
use crate::mail::{ZONE, greet, message};

fn launch() -> Launch {
    Launch { zone: ZONE.to_owned(), ..Launch::default() }
}

#[tokio::test]
async fn a_log_that_cannot_be_written_stops_no_mail() {
    let full = File::options().write(true).open("/dev/full").expect("this system has /dev/full");
    let mut daemon = Daemon::launch(Launch { stderr: Some(full.into()), ..launch() }).await;
    let mut mta = daemon.connect().await;
    greet(&mut mta).await;
    message(&mut mta).await;
    assert_eq!(daemon.stop("TERM").await.code(), Some(0));
}

#[tokio::test]
async fn a_reader_of_the_log_that_is_gone_stops_no_mail() {
    let mut daemon = Daemon::launch(launch()).await;
    daemon.stop_reading();
    let mut mta = daemon.connect().await;
    greet(&mut mta).await;
    message(&mut mta).await;
    drop(mta);
    assert_eq!(daemon.stop("TERM").await.code(), Some(0));
}

/// More than a pipe holds (64 KB) and more than the queue behind it (1 MB) are logged, and nobody reads.
#[tokio::test]
async fn a_reader_of_the_log_that_does_not_read_stops_no_mail() {
    let (_reader, writer) = std::io::pipe().expect("a pipe");
    let config = "log.level = \"trace\"\nlimits.drain_s = 1".to_owned();
    let launch = Launch { config, stderr: Some(writer.into()), ..launch() };
    let mut daemon = Daemon::launch(launch).await;
    let mut mta = daemon.connect().await;
    greet(&mut mta).await;
    for _ in 0..400 {
        message(&mut mta).await;
    }
    drop(mta);
    assert_eq!(daemon.stop("TERM").await.code(), Some(0));
}

#[tokio::test]
async fn each_message_is_one_line_of_json_if_that_is_wanted() {
    let config = "log.format = \"json\"\n".to_owned();
    let mut daemon = Daemon::launch(Launch { config, ..launch() }).await;
    let mut mta = daemon.connect().await;
    greet(&mut mta).await;
    message(&mut mta).await;
    let line = daemon.line_with("checked").await;
    let record: serde_json::Value = serde_json::from_str(&line).expect("the line is JSON");
    assert_eq!(
        (&record["level"], &record["ip"], &record["result"]),
        (&"info".into(), &"192.0.2.1".into(), &"pass".into())
    );
    assert_eq!((&record["mail_from"], &record["lookups"]), (&"<a@example.org>".into(), &0.into()));
}

#[tokio::test]
async fn systemd_gets_a_priority_in_front_of_each_line() {
    let environment = vec![("JOURNAL_STREAM", "8:1".to_owned())];
    let mut daemon = Daemon::launch(Launch { environment, ..launch() }).await;
    daemon.signal("USR1");
    let line = daemon.line_with("state").await;
    assert!(line.starts_with("<6>state version="), "{line}");
}

#[test]
fn output_that_cannot_be_written_has_an_exit_code() {
    let full = || Stdio::from(File::options().write(true).open("/dev/full").expect("this system has /dev/full"));
    let zone = tempfile::NamedTempFile::new().expect("the temporary directory can be written");
    let zone = zone.path().to_string_lossy().into_owned();
    let check = ["check", "--ip", "192.0.2.1", "--mail-from", "a@b.example", "--zone", zone.as_str()];
    for (args, code) in [(&check[..], 74), (&["lint", "v=spf1 -all", "--zone", &zone], 74), (&["--config", "/none"], 2)]
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spf-milter"));
        let status = command.args(args).stdout(full()).stderr(full()).status().expect("the program runs");
        assert_eq!(status.code(), Some(code), "{args:?}");
    }
}
