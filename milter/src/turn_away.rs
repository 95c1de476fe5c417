//! [`TurnAway`]: the filter of connections that are too many.

use milter_proto::{Address, Protocol, filter::FilterOptions};

use crate::{Action, Context, Filter};

/// Tells each client the same, and wants to hear nothing else.
pub(crate) struct TurnAway(pub(crate) Action);

impl Filter for TurnAway {
    fn options(&self) -> FilterOptions {
        FilterOptions { payload_max: 0, protocol: Protocol::NO_BODY, ..FilterOptions::default() }
    }

    async fn connect(&mut self, _cx: &Context, _hostname: &[u8], _address: &Address) -> Action {
        self.0.clone()
    }

    /// For MTAs that do not tell of the client.
    async fn envfrom(&mut self, _cx: &Context, _sender: &[u8], _args: &[Vec<u8>]) -> Action {
        self.0.clone()
    }
}
