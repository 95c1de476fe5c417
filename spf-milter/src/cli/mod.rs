//! The programs: the daemon and the command-line tools.
//!
//! | module   | holds                                                      |
//! | -------- | ---------------------------------------------------------- |
//! | `args`   | the command line and its help                              |
//! | `run`    | the daemon: configuration, sockets, signals                |
//! | `check`  | one check from the command line                            |
//! | `output` | writing where nobody may be reading                        |
//! | `config_check` | whether a configuration is good                      |
//! | `tree`   | the evaluation as a tree                                   |
//! | `lint`   | the report about a record                                  |
//! | `source` | zone files or name servers, as the tools' options say      |

mod args;
mod check;
mod config_check;
mod lint;
mod main;
mod output;
mod run;
mod source;
mod tree;

pub use main::{command, main};
