//! What to do with a message, given the results of its checks: pure, from configuration to decision.
//!
//! | module    | holds                                                                   |
//! | --------- | ----------------------------------------------------------------------- |
//! | `rules`   | [`Policy`]: a rule for each identity and result, when it is carried out |
//! | `action`  | [`Rule`]: what can be done                                              |
//! | `code`    | reply codes and enhanced codes                                          |

mod action;
mod code;
mod rules;

pub(crate) use action::{Action, Refusal, Rule};
pub(crate) use code::{EnhancedCode, ReplyCode};
pub(crate) use rules::{LeaveToDmarc, Policy, Rules, Stage, UnusableHelo, Waiver};
