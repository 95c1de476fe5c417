//! The configuration file: TOML, read once at the start, every value checked then. All keys stand in the shipped
//! `spf-milter.toml`.
//!
//! | module    | holds                                                        |
//! | --------- | ------------------------------------------------------------ |
//! | `model`   | the configuration as the daemon uses it, and the defaults     |
//! | `read`    | from text to model, top level                                 |
//! | `rules`   | the keys that make the policy                                 |
//! | `rule`    | one rule: action, codes, texts                                |
//! | `exempt`  | who is not judged, or not refused                             |
//! | `records` | records of the administrator's own                            |
//! | `headers` | how header fields look                                        |
//! | `dns`     | how the DNS is asked                                          |
//! | `service` | how the daemon runs                                           |
//! | `effective` | the file with every default written out                      |
//! | `sanity`  | keys that are right each by itself and cannot work together   |
//! | `lists`   | lists in the file, and in files beside it                     |
//! | `table`   | one table, key by key: types, places, did-you-mean            |

mod dns;
mod effective;
mod exempt;
mod headers;
mod lists;
mod model;
mod read;
mod records;
mod rule;
mod rules;
mod sanity;
mod service;
mod table;

pub(crate) use effective::effective;
pub(crate) use model::{Config, DnsConfig, Forged, Outage, Position};
pub(crate) use read::{ConfigError, parse_listen, parse_resolver, read_bounded, read_text};
pub(crate) use service::{ProcessConfig, parse_group, parse_path, parse_user};

#[cfg(test)]
mod coverage_tests;
#[cfg(test)]
mod tests;
