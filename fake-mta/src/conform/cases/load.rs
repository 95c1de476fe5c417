//! Many at once, what is left behind, and being ended.

use super::super::{
    case::{Case, Level},
    leak::Leak,
    special::Special,
};

pub(super) fn cases() -> Vec<Case> {
    let mut all = crowds();
    all.extend(leaks());
    all.extend(processes());
    all
}

fn crowds() -> Vec<Case> {
    vec![
        Case::new("load/connections-100", Level::Must, "a hundred connections at once are all served")
            .why("a busy MTA has as many clients")
            .standard("has a thread for each")
            .seen("both: sendmail up to MaxDaemonChildren, Postfix up to default_process_limit, 100")
            .special(Special::Crowd(100)),
        Case::new("load/connections-1000", Level::Should, "a thousand connections at once are all served")
            .why("under an attack as many come, and the milter must not be what gives in first")
            .standard("has a thread for each")
            .seen("both, where their limits were raised")
            .special(Special::Crowd(1000)),
        Case::new("load/long-header", Level::Should, "the last of 10 000 header fields are answered as fast as the first")
            .why("a milter that looks through all of them for each of them slows down with the square of their number, and one message stops it")
            .standard("the same for each")
            .seen("sendmail up to 32 KiB of header, Postfix without a limit on their number; anybody can send it")
            .special(Special::LongHeader),
    ]
}

fn leaks() -> Vec<Case> {
    let case = |id: &str, title: &str, leak: Leak| {
        Case::new(format!("leak/{id}"), Level::Must, title).seen("any").special(Special::Leak(leak))
    };
    vec![
        case("open-files", "connections leave no open files behind, in whichever way they end", Leak::Files)
            .why("after some days the milter can open no file any more, and all mail is deferred")
            .standard("closes the socket with the session"),
        case(
            "threads",
            "connections leave no threads and no processes behind, in whichever way they end",
            Leak::Threads,
        )
        .why("after some days no thread can be started any more, and all mail is deferred")
        .standard("ends the thread with the session, or gives it back to its pool"),
        case("memory", "large messages leave no memory behind", Leak::LargeMessages)
            .why(MEMORY)
            .standard("keeps nothing of a message that has ended"),
        case("memory-of-messages", "small messages leave no memory behind", Leak::SmallMessages)
            .why(MEMORY)
            .standard("keeps nothing of a message that has ended"),
        case("memory-of-connections", "a thousand connections leave no memory behind", Leak::Connections)
            .why(MEMORY)
            .standard(
                "frees its context; what the milter hung on it (smfi_setpriv) is the milter's to free in xxfi_close",
            ),
    ]
}

fn processes() -> Vec<Case> {
    vec![
        Case::new(
            "process/killed",
            Level::Must,
            "killed in the middle of a message, it starts again at the same address",
        )
        .why("a socket file that is left behind must not keep it from starting again")
        .standard("leaves the socket file to the milter: smfi_opensocket removes it if it is asked to")
        .seen("any system, after a crash")
        .special(Special::Restart),
        Case::new(
            "process/stopped",
            Level::Should,
            "asked to stop while a connection is open, it does so in time and without a crash",
        )
        .why("a service that does not stop is killed, and what it did is lost")
        .standard("stops at SIGTERM within seconds")
        .seen("any system, at every restart of the service")
        .special(Special::Stop),
    ]
}

const MEMORY: &str = "after some days the system ends the milter";
