//! What an SMTP session comes to, as plain calls: no milter types, no sockets.
//!
//! | module    | holds                                                                         |
//! | --------- | ----------------------------------------------------------------------------- |
//! | `service` | what all sessions share: configuration, resolver, name of the host             |
//! | `session` | one session: client, HELO, and the message under way                           |
//! | `message` | one message: what is known of it, what its recipients are told                 |
//! | `content` | what is noted of its header on the way                                         |
//! | `ending`  | what becomes of it at its end                                                  |
//! | `fields`  | the header fields that it gets                                                 |
//! | `texts`   | texts of the configuration with its values put in                              |
//! | `log`     | its log line, and text in log lines                                            |

mod content;
mod ending;
mod fields;
mod log;
mod message;
mod service;
#[expect(clippy::module_inception, reason = "the main type of the module, in a file of its own")]
mod session;
mod texts;

pub(crate) use ending::Edit;
pub(crate) use message::Decision;
pub(crate) use service::{Service, now, system_hostname};
pub(crate) use session::{MailCommand, Session};

#[cfg(test)]
mod injection_tests;
#[cfg(test)]
mod policy_tests;
#[cfg(test)]
mod tests;
