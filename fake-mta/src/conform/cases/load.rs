//! Many at once, what is left behind, and being ended.

use super::super::{
    case::{Case, Level},
    special::Special,
};

pub(super) fn cases() -> Vec<Case> {
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
        Case::new("leak/open-files", Level::Must, "connections that end in every way leave no open files behind")
            .why("after some days the milter can open no file any more, and all mail is deferred")
            .standard("closes the socket with the session")
            .seen("any")
            .special(Special::Descriptors(400)),
        Case::new("leak/threads", Level::Must, "connections that end in every way leave no threads behind")
            .why("after some days no thread can be started any more, and all mail is deferred")
            .standard("ends the thread with the session")
            .seen("any")
            .special(Special::Threads(400)),
        Case::new("leak/memory", Level::Must, "large messages leave no memory behind")
            .why("after some days the system ends the milter")
            .standard("keeps nothing of a message that has ended")
            .seen("any")
            .special(Special::Memory(100)),
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
