//! The daemon: from the configuration to a process that serves MTAs, and all that an administrator does with it.
//!
//! | module       | holds                                                                    |
//! | ------------ | ------------------------------------------------------------------------ |
//! | `start`      | the order in which a start happens, and what can go wrong                 |
//! | `source`     | the configuration file and the command line that goes before it           |
//! | `sockets`    | listeners: those of systemd, or our own                                   |
//! | `files`      | the limit of open files                                                   |
//! | `pid_file`   | the process's number in a file                                            |
//! | `privileges` | becoming another user, and seeing that it is so                           |
//! | `sandbox`    | giving up what is not needed of the file system                           |
//! | `serve`      | the runtime: signals, server, end                                         |
//! | `live`       | what a reload changes, and the state that SIGUSR1 shows                   |
//! | `notify`     | telling systemd                                                           |
//! | `page`       | the page that Prometheus reads                                            |

mod files;
mod live;
mod notify;
mod page;
mod pid_file;
mod privileges;
mod sandbox;
mod serve;
mod sockets;
mod source;
mod start;

pub(crate) use source::ConfigSource;
pub(crate) use start::run;
