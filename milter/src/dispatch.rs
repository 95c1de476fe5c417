//! Events to methods of a filter.

use milter_proto::{Reply, filter::Event};

use crate::{Action, Context, Eom, Filter, eom::Sink};

/// Where the edits of a message go.
pub(crate) struct Edits<'a> {
    pub(crate) queue: &'a mut Vec<Reply>,
    pub(crate) bytes_max: usize,
    pub(crate) sink: Sink<'a>,
}

/// Calls the method that belongs to the event.
pub(crate) async fn dispatch<'a, F: Filter>(
    filter: &mut F,
    cx: &'a Context,
    event: &Event,
    edits: Edits<'a>,
) -> Action {
    match event {
        Event::Connect { hostname, address } => filter.connect(cx, hostname, address).await,
        Event::Helo(name) => filter.helo(cx, name).await,
        Event::Envfrom { sender, args } => filter.envfrom(cx, sender, args).await,
        Event::Envrcpt { recipient, args } => filter.envrcpt(cx, recipient, args).await,
        Event::Data => filter.data(cx).await,
        Event::Header { name, value } => filter.header(cx, name, value).await,
        Event::Eoh => filter.eoh(cx).await,
        Event::Body(piece) => filter.body(cx, piece).await,
        Event::Eom { body } => end_of_message(filter, cx, body, edits).await,
        Event::Unknown(line) => filter.unknown(cx, line).await,
        Event::Abort => {
            filter.abort(cx).await;
            Action::Continue
        }
        Event::Close => {
            filter.close(cx).await;
            Action::Continue
        }
    }
}

/// The end of a message, and before it the last piece of the body if that came along.
async fn end_of_message<'a, F: Filter>(filter: &mut F, cx: &'a Context, body: &[u8], edits: Edits<'a>) -> Action {
    if !body.is_empty() {
        let action = filter.body(cx, body).await;
        if !matches!(action, Action::Continue | Action::Skip) {
            return action;
        }
    }
    filter.eom(&mut Eom::new(cx, edits.queue, edits.bytes_max, edits.sink)).await
}
