//! Header fields, as pure functions from the facts of a check to text.
//!
//! | module                   | holds                                                     |
//! | ------------------------ | --------------------------------------------------------- |
//! | `received_spf`           | the Received-SPF field (RFC 7208 section 9.1)             |
//! | `authentication_results` | the Authentication-Results field (RFC 8601)               |
//! | `authserv_id`            | whose Authentication-Results a field says it is           |
//! | `wording`                | the sentences that say what a result means                |
//! | `text`                   | comments, quoted strings, and what may not get into them  |

mod authentication_results;
mod authserv_id;
mod received_spf;
mod text;
mod wording;

pub(crate) use authentication_results::{AuthenticationResults, MethodResult};
pub(crate) use authserv_id::claims_authserv_id;
pub(crate) use received_spf::{Evidence, ReceivedSpf};
pub(crate) use text::{Charset, printable, shortened, wrapped};
pub(crate) use wording::sentence;
