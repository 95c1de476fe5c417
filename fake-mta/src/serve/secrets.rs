//! What of a session is not for those who watch it.

use crate::{
    journal::Event,
    smtp::{CommandLine, split_at_byte},
};

/// Hides the responses of AUTH: Base64 is no secret.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    /// The next line of the client is a response.
    is_asked: bool,
}

impl Secrets {
    /// The event as it may be shown.
    pub(super) fn hide(&mut self, event: &Event) -> Event {
        match event {
            Event::ServerLine(line) => self.is_asked = line.starts_with(b"334 "),
            Event::ClientLine(_) if std::mem::take(&mut self.is_asked) => return Event::ClientLine(HIDDEN.to_vec()),
            Event::ClientLine(line) => return Event::ClientLine(without_response(line)),
            _ => {}
        }
        event.clone()
    }
}

/// AUTH with its mechanism, but without the initial response; any other command as it is.
fn without_response(line: &[u8]) -> Vec<u8> {
    let command = CommandLine::parse(line);
    let (mechanism, response) = split_at_byte(command.argument, b' ');
    if !command.verb.eq_ignore_ascii_case(b"AUTH") || response.is_empty() {
        return line.to_vec();
    }
    [command.verb, mechanism, HIDDEN].join(&b' ')
}

const HIDDEN: &[u8] = b"(hidden)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_hidden_wherever_they_come() {
        let mut secrets = Secrets::default();
        let client = |line: &[u8]| Event::ClientLine(line.to_vec());
        let server = |line: &[u8]| Event::ServerLine(line.to_vec());
        for (event, shown) in [
            (client(b"auth plain AGEAYg=="), client(b"auth plain (hidden)")),
            (client(b"AUTH LOGIN"), client(b"AUTH LOGIN")),
            (server(b"334 UGFzc3dvcmQ6"), server(b"334 UGFzc3dvcmQ6")),
            (client(b"c2VjcmV0"), client(b"(hidden)")),
            (server(b"235 2.7.0 ok"), server(b"235 2.7.0 ok")),
            (client(b"MAIL FROM:<a@b> AUTH=<>"), client(b"MAIL FROM:<a@b> AUTH=<>")),
        ] {
            assert_eq!(secrets.hide(&event), shown);
        }
    }
}
