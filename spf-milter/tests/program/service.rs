//! What an administrator does with the daemon: signals, reload, limits, systemd, metrics.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::unistd::{Gid, Group, Uid, User, getegid, geteuid};

use crate::daemon::{Daemon, Launch, packet};
use crate::mail::{ZONE, ask, begin, end, greet, message, offer};

async fn start(config: &str) -> Daemon {
    Daemon::start(config, ZONE, &[]).await
}

#[tokio::test]
async fn a_message_under_way_is_finished_before_the_end() {
    let mut daemon = start("limits.drain_s = 600").await;
    let mut mta = daemon.connect().await;
    greet(&mut mta).await;
    assert_eq!(begin(&mut mta).await, 'c');
    daemon.signal("TERM");
    daemon.line_with("stopped to accept connections").await;
    assert!(!daemon.socket().exists());
    assert_eq!(end(&mut mta).await, 'c');
    drop(mta);
    assert_eq!(daemon.ended().await.code(), Some(0));
}

#[tokio::test]
async fn a_second_signal_hurries_and_the_message_is_told_to_come_again() {
    let mut daemon = start("limits.drain_s = 600").await;
    let (mut mta, mut idle) = (daemon.connect().await, daemon.connect().await);
    greet(&mut mta).await;
    greet(&mut idle).await;
    assert_eq!(begin(&mut mta).await, 'c');
    daemon.signal("INT");
    daemon.line_with("SIGINT: finishing what is under way").await;
    // Who has no message is not waited for.
    assert!(idle.is_closed().await);
    daemon.signal("TERM");
    daemon.line_with("SIGTERM again: cutting short").await;
    let put_off = async { while ask(&mut mta, b'R', b"<b@example.net>\0").await != 't' {} };
    tokio::time::timeout(PATIENCE, put_off).await.expect("it is cut short");
    assert_eq!(end(&mut mta).await, 't');
    assert_eq!(daemon.ended().await.code(), Some(0));
}

#[tokio::test]
async fn a_reload_is_for_new_sessions_and_a_broken_file_changes_nothing() {
    let mut daemon = start("").await;
    let mut before = daemon.connect().await;
    greet(&mut before).await;
    let refuses = "[policy]\npass = \"reject\"\n";
    daemon.configure(&format!("{refuses}bogus = 1\n"));
    daemon.signal("HUP");
    daemon.line_with("was not taken, the one before stays in force").await;
    let why = daemon.line_with("unknown key").await;
    assert!(why.contains("unknown key `bogus` in `policy`"), "{why}");
    daemon.line_with("c.toml:3:1").await;
    message(&mut before).await;
    daemon.configure(&format!("listen = \"inet:1\"\n{refuses}"));
    daemon.signal("HUP");
    daemon.line_with("the configuration is in force").await;
    message(&mut before).await;
    let mut after = daemon.connect().await;
    greet(&mut after).await;
    assert_eq!(begin(&mut after).await, 'c');
    assert_eq!(ask(&mut after, b'R', b"<b@example.net>\0").await, 'y');
    daemon.signal("USR1");
    let state = daemon.line_with("INFO state").await;
    assert!(
        state.contains(" failed_reloads=1 connections_open=2 messages_open=1 connections=2 messages=2 "),
        "{state}"
    );
}

#[tokio::test]
async fn what_takes_a_restart_is_named_at_the_reload() {
    let mut daemon = start("").await;
    let changed = "limits.connections = 5\nlog.format = \"json\"\nlog.level = \"debug\"\ndns.budget_ms = 20_000\n";
    daemon.configure(changed);
    daemon.signal("HUP");
    for what in ["[limits] has changed", "log.format has changed", "dns.budget_ms is more than a command may take"] {
        let line = daemon.line_with("takes a restart").await;
        assert!(line.contains(what), "{line}");
    }
    daemon.line_with("the configuration is in force").await;
    let mut mta = daemon.connect().await;
    greet(&mut mta).await;
    daemon.line_with("DEBUG open").await;
}

#[tokio::test]
async fn who_is_over_a_limit_gets_the_answer_that_was_chosen() {
    for (over, answer) in [("tempfail", 't'), ("accept", 'a')] {
        let config = format!("limits = {{ connections = 2, messages = 1, over = \"{over}\" }}");
        let mut daemon = start(&config).await;
        let (mut first, mut second) = (daemon.connect().await, daemon.connect().await);
        greet(&mut first).await;
        greet(&mut second).await;
        assert_eq!(begin(&mut first).await, 'c');
        assert_eq!(begin(&mut second).await, answer);
        let mut third = daemon.connect().await;
        offer(&mut third).await;
        assert_eq!(ask(&mut third, b'C', b"x\x004\x04\x01192.0.2.1\0").await, answer);
        daemon.line_with("all 2 connections are in use").await;
        assert_eq!(end(&mut first).await, 'c');
        message(&mut second).await;
    }
}

/// Even the one that a silent resolver would hold up is answered when its time is over.
#[tokio::test]
async fn a_stage_has_its_time() {
    let config = "dns = { timeout_ms = 50, budget_ms = 100 }\nlimits.stage_ms = 60_000\nhelo.check = false";
    let daemon = Daemon::start(config, ZONE, &["example.org ANY drop"]).await;
    let mut mta = daemon.connect().await;
    greet(&mut mta).await;
    assert_eq!(begin(&mut mta).await, 'c');
    assert_eq!(ask(&mut mta, b'R', b"<b@example.net>\0").await, 'y');
}

#[tokio::test]
async fn too_many_parameters_are_not_kept() {
    let mut daemon = start("").await;
    let mut mta = daemon.connect().await;
    greet(&mut mta).await;
    mta.send(&packet(b'M', &[b"<>\0", &[0; 60_000][..]].concat())).await;
    daemon.line_with("the end after so many parameters").await;
    assert!(mta.is_closed().await);
}

#[tokio::test]
async fn a_client_without_a_readable_address_is_no_secret() {
    let mut daemon = start("").await;
    let mut mta = daemon.connect().await;
    offer(&mut mta).await;
    assert_eq!(ask(&mut mta, b'C', b"x\x004\x04\x01999.1.1.1\x1b[m\0").await, 'a');
    let line = daemon.line_with("which is none: its mail is not checked").await;
    assert!(line.contains("999.1.1.1") && !line.contains('\x1b'), "{line}");
}

#[tokio::test]
async fn the_socket_is_made_as_it_should_be() {
    let config = "socket.mode = \"600\"\nprocess.pid_file = \"[dir]/pid\"";
    let mut daemon = start(config).await;
    let mode = std::fs::metadata(daemon.socket()).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let pid_file = daemon.path("pid");
    assert_eq!(std::fs::read_to_string(&pid_file).expect("it is there"), format!("{}\n", daemon.pid()));
    daemon.stop("TERM").await;
    assert!(!pid_file.exists());
}

/// Root can give it to anybody, others to themselves.
#[tokio::test]
async fn the_socket_belongs_to_whom_it_is_given() {
    let (owner, group) = match User::from_name("nobody").expect("users can be read") {
        Some(nobody) if geteuid().is_root() => (nobody.uid, nobody.gid),
        _ => (geteuid(), getegid()),
    };
    let daemon = start(&format!("socket = {{ owner = \"{owner}\", group = \"{group}\", mode = \"640\" }}")).await;
    let socket = std::fs::metadata(daemon.socket()).expect("it is there");
    assert_eq!((socket.uid(), socket.gid(), socket.mode() & 0o777), (owner.as_raw(), group.as_raw(), 0o640));
}

/// Whoever does not want it sees that it is not in force: no line of the start speaks of it.
#[tokio::test]
async fn landlock_can_be_left_out() {
    for (config, is_told) in [("process.landlock = false", false), ("", true)] {
        let mut daemon = Daemon::launch_silent(config, ZONE).await;
        // Its socket is there before the rest of it: who is answered knows that it has started.
        greet(&mut daemon.connect().await).await;
        daemon.stop("TERM").await;
        let log = std::fs::read_to_string(daemon.path("log")).expect("the log is text");
        assert_eq!(log.contains("landlock: "), is_told, "{log}");
    }
}

#[tokio::test]
async fn an_mta_that_says_nothing_is_hung_up_on() {
    let mut daemon = start("limits.idle_s = 1").await;
    let mut mta = daemon.connect().await;
    greet(&mut mta).await;
    assert!(mta.is_closed().await);
    daemon.line_with("nothing came from the MTA for 1s").await;
}

#[tokio::test]
async fn an_mta_that_takes_no_answers_is_hung_up_on() {
    let mut daemon = start("limits.write_s = 1").await;
    let mut mta = daemon.connect().await;
    greet(&mut mta).await;
    let greeting = packet(b'H', b"client.example.net\0");
    while mta.try_send(&greeting).await.is_ok() {}
    daemon.line_with("the MTA took no answer for 1s").await;
}

/// As root it becomes somebody else, for good; as anybody else it says that it cannot.
#[tokio::test]
async fn privileges_are_given_up_and_that_is_verified() {
    let nobody = "[process]\nuser = \"nobody\"\n";
    if geteuid().is_root() {
        let user = User::from_name("nobody").expect("users can be read").expect("everybody has nobody");
        let daemon = Group::from_name("daemon").expect("groups can be read").expect("everybody has daemon");
        becomes(nobody, &[], user.uid, user.gid).await;
        becomes(&format!("{nobody}group = \"daemon\"\n"), &[], user.uid, daemon.gid).await;
        becomes("", &["--user", "nobody", "--group", "daemon"], user.uid, daemon.gid).await;
        return;
    }
    let directory = tempfile::tempdir().expect("the temporary directory can be written");
    let (config, socket) = (directory.path().join("c.toml"), directory.path().join("s"));
    std::fs::write(&config, nobody).expect("the temporary directory can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_spf-milter"));
    command.arg("--config").arg(config).arg("--listen").arg(format!("unix:{}", socket.display()));
    let output = command.output().expect("the program runs");
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("only root can become nobody"));
}

/// Starts it so, and looks at what the process is then.
async fn becomes(config: &str, arguments: &[&'static str], uid: Uid, gid: Gid) {
    let (config, zone) = (config.to_owned(), ZONE.to_owned());
    let mut daemon = Daemon::launch(Launch { config, zone, arguments: arguments.to_vec(), ..Launch::default() }).await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.pid())).expect("it runs");
    let row = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("").trim().to_owned();
    assert_eq!(row("Uid:"), [uid, uid, uid, uid].map(|uid| uid.to_string()).join("\t"));
    assert_eq!(row("Gid:"), [gid, gid, gid, gid].map(|gid| gid.to_string()).join("\t"));
    assert_eq!((row("CapPrm:"), row("CapEff:")), ("0".repeat(16), "0".repeat(16)));
    assert_eq!(row("NoNewPrivs:"), "1");
    let socket = std::fs::metadata(daemon.socket()).expect("it is there");
    assert_eq!((socket.uid(), socket.gid()), (uid.as_raw(), gid.as_raw()));
    let mut mta = daemon.connect().await;
    greet(&mut mta).await;
    message(&mut mta).await;
    drop(mta);
    assert_eq!(daemon.stop("TERM").await.code(), Some(0));
}

#[tokio::test]
async fn systemd_is_told_how_it_goes() {
    let directory = tempfile::tempdir().expect("the temporary directory can be written");
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("the path is free");
    socket.set_read_timeout(Some(PATIENCE)).expect("sockets have time-outs");
    let environment =
        vec![("NOTIFY_SOCKET", path.to_string_lossy().into_owned()), ("WATCHDOG_USEC", "60000000".to_owned())];
    let launch = Launch { environment, ..Launch::default() };
    let mut daemon = Daemon::launch(launch).await;
    let said = |prefix: &str| loop {
        let mut buffer = [0; 512];
        let length = socket.recv(&mut buffer).expect("a word in time");
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if text.starts_with(prefix) {
            return text;
        }
    };
    assert!(said("READY=1").starts_with("READY=1\nSTATUS=listening on unix:/"));
    said("WATCHDOG=1");
    daemon.signal("HUP");
    assert!(said("RELOADING=1").starts_with("RELOADING=1\nMONOTONIC_USEC="));
    said("READY=1");
    daemon.signal("TERM");
    said("STOPPING=1");
    assert_eq!(daemon.ended().await.code(), Some(0));
}

#[tokio::test]
async fn a_socket_of_systemd_is_served_and_left_where_it_is() {
    let directory = tempfile::tempdir().expect("the temporary directory can be written");
    let path = directory.path().join("theirs");
    let socket = UnixListener::bind(&path).expect("the path is free");
    let environment = vec![("LISTEN_FDS", "1".to_owned()), ("LISTEN_FDS_FIRST_FD", "0".to_owned())];
    let stdin = Some(Stdio::from(std::os::fd::OwnedFd::from(socket.try_clone().expect("a descriptor"))));
    let mut daemon = Daemon::launch(Launch { environment, stdin, zone: ZONE.to_owned(), ..Launch::default() }).await;
    assert!(!daemon.socket().exists(), "its own is not made");
    let mut mta = daemon.connect_to(&path).await;
    greet(&mut mta).await;
    message(&mut mta).await;
    drop(mta);
    assert_eq!(daemon.stop("TERM").await.code(), Some(0));
    assert!(path.exists());
    // Who connects now waits for the next process.
    drop(daemon.connect_to(&path).await);
}

/// How long a failing test waits.
const PATIENCE: Duration = Duration::from_secs(30);
