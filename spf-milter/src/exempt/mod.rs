//! Who is not judged, or not refused.
//!
//! | module       | holds                                                        |
//! | ------------ | ------------------------------------------------------------ |
//! | `exemptions` | the administrator's lists, and the questions asked of them   |
//! | `network`    | networks                                                     |
//! | `received`   | the client behind an own relay, from the Received fields     |

mod exemptions;
mod network;
mod received;

pub(crate) use exemptions::{Authenticated, Exemption, Exemptions, Tls, TlsClients};
pub(crate) use network::parse_network;
pub(crate) use received::client_behind;
