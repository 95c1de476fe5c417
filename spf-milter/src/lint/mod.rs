//! What is wrong, dangerous or wasteful in a published SPF record, with the advice a postmaster wants.
//!
//! | module      | holds                                                                    |
//! | ----------- | ------------------------------------------------------------------------ |
//! | `finding`   | a finding: severity, place, advice; and the report that collects them    |
//! | `syntax`    | all syntax errors of a text, not only the first                          |
//! | `terms`     | order and meaning of the terms of one record                             |
//! | `networks`  | the `ip4` and `ip6` networks of one record                               |
//! | `tree`      | the tree of `include` and `redirect`: lookups and voids                  |
//! | `published` | what stands in the DNS around the record                                 |

mod finding;
mod networks;
mod published;
mod syntax;
mod terms;
mod tree;

pub(crate) use finding::{Finding, Report, Severity, Text};
pub(crate) use published::lint_domain;
pub(crate) use tree::lint_record;

#[cfg(test)]
mod tests;
