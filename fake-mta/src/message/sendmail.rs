//! sendmail's header rules: the list begins with default fields that the configuration file declares, filled or not.

use super::{
    complete::complete_addresses,
    content::folded,
    content::{Header, message_text},
};

/// The header fields of a message in sendmail's queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SendmailHeaders {
    slots: Vec<Slot>,
    /// SMFIP_HDR_LEADSPC: values from the filter bring their own leading space.
    pub(crate) leading_space: bool,
    /// The client has sent the message on and says so in header fields of its own, RFC 5322 section 3.6.6.
    resent: bool,
    /// The default field Return-Path, which indices do not count, as the configuration file has it.
    return_path: Option<Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Slot {
    name: Vec<u8>,
    /// Everything after the colon; `None` is an empty default field, or one that was deleted.
    value: Option<Vec<u8>>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Declared in the configuration file; filled by sendmail if the client sent no such field.
    Default,
    /// Our own Received field: a default field that no filter can change.
    Trace,
    /// From the client or a filter: what indices count.
    User,
}

/// What a filter's edit came to, for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Added,
    /// A default field took the value: its name, as the configuration file has it.
    DefaultFilled(Vec<u8>),
    /// `default`: the field was one that sendmail generated itself.
    Changed {
        default: bool,
        old: Option<Vec<u8>>,
    },
    Deleted {
        /// As above.
        default: bool,
        old: Option<Vec<u8>>,
    },
    NothingToDelete,
}

/// The values of the fields that sendmail generates when the client sent none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Generated {
    /// Our own trace field, which every message gets.
    pub(crate) received: Vec<u8>,
    /// For a message without Date.
    pub(crate) date: Vec<u8>,
    /// For a message without From.
    pub(crate) from: Vec<u8>,
    /// For a message without Message-Id.
    pub(crate) message_id: Vec<u8>,
}

impl SendmailHeaders {
    /// The list of a message with the header fields that the client sent.
    pub(crate) fn new(generated: &Generated, headers: Vec<Header>) -> Self {
        let names: Vec<Vec<u8>> = headers.iter().map(|header| header.name.clone()).collect();
        let missing = |name: &[u8]| !names.iter().any(|known| known.eq_ignore_ascii_case(name));
        let filled = |name: &str, value: &[u8]| missing(name.as_bytes()).then(|| [b" ", value].concat());
        let resent = headers.iter().any(is_resent);
        let mut slots: Vec<Slot> = DEFAULT_FIELDS
            .iter()
            .map(|&name| {
                let (value, kind) = match name {
                    "Received" => (Some([b" ", &generated.received[..]].concat()), Kind::Trace),
                    "Date" => (filled(name, &generated.date), Kind::Default),
                    // Resent-From is not sent if the message is not resent, but there it is; and so is Full-Name.
                    "From" | "Resent-From" => (filled(name, &generated.from), Kind::Default),
                    "Message-Id" if resent => (None, Kind::Default),
                    "Message-Id" => (filled(name, &generated.message_id), Kind::Default),
                    "Resent-Message-Id" if resent => (filled(name, &generated.message_id), Kind::Default),
                    "Resent-Date" if resent => (filled(name, &generated.date), Kind::Default),
                    "Full-Name" => (filled(name, FULL_NAME_TEMPLATE), Kind::Default),
                    _ => (None, Kind::Default),
                };
                Slot { name: name.into(), value, kind }
            })
            .collect();
        slots.extend(headers.into_iter().map(|header| Slot {
            name: header.name,
            value: Some(header.value),
            kind: Kind::User,
        }));
        let return_path = missing(RETURN_PATH).then(|| RETURN_PATH_TEMPLATE.to_vec());
        Self { slots, leading_space: false, resent, return_path }
    }

    /// What the next filter sees: the fields of the client and of the filters before it.
    pub(crate) fn visible(&self) -> Vec<Header> {
        let user = self.slots.iter().filter(|slot| slot.kind == Kind::User);
        user.filter_map(|slot| Some(Header::new(&slot.name[..], slot.value.clone()?))).collect()
    }

    /// SMFIR_ADDHEADER: fills the default field of that name, or goes before the first field of that name, or to the end.
    pub(crate) fn add(&mut self, name: &[u8], value: &[u8]) -> Change {
        if name.eq_ignore_ascii_case(RETURN_PATH) && self.return_path.take().is_some() {
            return Change::DefaultFilled(RETURN_PATH.to_vec());
        }
        let value = self.filter_value(value);
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.kind == Kind::Default && slot.is_named(name)) {
            slot.value = Some(value);
            slot.kind = Kind::User;
            return Change::DefaultFilled(slot.name.clone());
        }
        self.put_before_first_of_name(name, value);
        Change::Added
    }

    /// SMFIR_INSHEADER: below so many entries of the list, filled or not; 0, or a negative number, is the very top.
    pub(crate) fn insert(&mut self, index: u32, name: &[u8], value: &[u8]) {
        let slot = Slot { name: name.to_vec(), value: Some(self.filter_value(value)), kind: Kind::User };
        let signed = i32::from_be_bytes(index.to_be_bytes());
        let at = usize::try_from(signed).unwrap_or(0);
        self.slots.insert(at.min(self.slots.len()), slot);
    }

    /// SMFIR_CHGHEADER: the `index`th user field of that name, counted from 1 with those deleted before; else the default
    /// field of that name; else, unless the value is empty, a new field.
    pub(crate) fn change(&mut self, index: u32, name: &[u8], value: &[u8]) -> Change {
        let new = (!value.is_empty()).then(|| self.filter_value(value));
        match (self.find(index, name), new) {
            (Some(at), Some(new)) => {
                let slot = &mut self.slots[at];
                let default = slot.kind == Kind::Default;
                slot.kind = Kind::User;
                Change::Changed { default, old: slot.value.replace(new) }
            }
            (Some(at), None) => {
                let slot = &mut self.slots[at];
                Change::Deleted { default: slot.kind == Kind::Default, old: slot.value.take() }
            }
            (None, new) if name.eq_ignore_ascii_case(RETURN_PATH) && self.return_path.is_some() => {
                let old = self.return_path.take();
                if new.is_some() {
                    Change::Changed { default: true, old }
                } else {
                    Change::Deleted { default: true, old }
                }
            }
            (None, Some(new)) => {
                self.put_before_first_of_name(name, new);
                Change::Added
            }
            (None, None) => Change::NothingToDelete,
        }
    }

    /// The filter is done: what it deleted is no longer counted.
    pub(crate) fn settle(&mut self) {
        self.slots.retain(|slot| slot.kind != Kind::User || slot.value.is_some());
    }

    /// The message as it leaves.
    pub(crate) fn text(&self, body: &[u8]) -> Vec<u8> {
        let relayed: Vec<(&[u8], Vec<u8>)> = self
            .slots
            .iter()
            .filter_map(|slot| {
                let name = &slot.name[..slot.name.len().min(NAME_MAX)];
                Some((name, cut_lines(name.len() + 1, self.relayed_value(slot)?)))
            })
            .collect();
        message_text(relayed.iter().map(|(name, value)| (*name, &value[..])), Some(body))
    }

    /// What the next host gets to see of a field: nothing of some of them, and of Bcc no more than that it was there, which it need
    /// not know if the message names other recipients.
    fn relayed_value<'a>(&self, slot: &'a Slot) -> Option<&'a [u8]> {
        let value = slot.value.as_deref()?;
        let is_hidden = NEVER_RELAYED.iter().any(|name| slot.is_named(name.as_bytes()));
        if is_hidden || (slot.is_resent() && !self.resent) {
            return None;
        }
        if slot.is_named(b"Bcc") {
            let others = [&b"To"[..], b"Cc"].iter().any(|name| self.value_of(name).is_some());
            return (!others).then_some(b"");
        }
        Some(value)
    }

    /// The value of the first field of that name.
    pub(crate) fn value_of(&self, name: &[u8]) -> Option<&[u8]> {
        self.slots.iter().filter(|slot| slot.is_named(name)).find_map(|slot| slot.value.as_deref())
    }

    /// How many fields of that name there are.
    pub(crate) fn count_of(&self, name: &[u8]) -> usize {
        self.slots.iter().filter(|slot| slot.is_named(name) && slot.value.is_some()).count()
    }

    /// The value of the field that identifies the message, the last one if there are several.
    pub(crate) fn message_id(&self) -> Option<&[u8]> {
        let name: &[u8] = if self.resent { b"Resent-Message-Id" } else { b"Message-Id" };
        self.slots.iter().rev().filter(|slot| slot.is_named(name)).find_map(|slot| slot.value.as_deref())
    }

    /// Gives the addresses of the fields that hold some a domain, if they have none.
    pub(crate) fn complete_addresses(&mut self, origin: &str) {
        for slot in &mut self.slots {
            if let Some(value) = slot.value.take() {
                let mut header = Header::new(std::mem::take(&mut slot.name), value);
                complete_addresses(&mut header, origin);
                (slot.name, slot.value) = (header.name, Some(header.value));
            }
        }
    }

    fn find(&self, index: u32, name: &[u8]) -> Option<usize> {
        // sendmail takes the index for a signed number.
        let nth = usize::try_from(i32::from_be_bytes(index.to_be_bytes()).max(1)).unwrap_or(usize::MAX) - 1;
        let named = |kind: Kind| {
            let slots = self.slots.iter().enumerate();
            slots.filter(move |(_, slot)| slot.kind == kind && slot.is_named(name)).map(|(at, _)| at)
        };
        let mut defaults = named(Kind::Default);
        named(Kind::User).nth(nth).or_else(|| defaults.next())
    }

    fn put_before_first_of_name(&mut self, name: &[u8], value: Vec<u8>) {
        let at = self.slots.iter().position(|slot| slot.is_named(name)).unwrap_or(self.slots.len());
        self.slots.insert(at, Slot { name: name.to_vec(), value: Some(value), kind: Kind::User });
    }

    fn filter_value(&self, value: &[u8]) -> Vec<u8> {
        let space: &[u8] = if self.leading_space { b"" } else { b" " };
        [space, &folded(value, b' ')].concat()
    }
}

impl Slot {
    fn is_resent(&self) -> bool {
        has_resent_name(&self.name)
    }

    fn is_named(&self, name: &[u8]) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

fn is_resent(header: &Header) -> bool {
    has_resent_name(&header.name)
}

fn has_resent_name(name: &[u8]) -> bool {
    name.get(..7).is_some_and(|head| head.eq_ignore_ascii_case(b"Resent-"))
}

/// The lines of a value, the first of which stands behind `used` bytes, as far as the buffer for a line takes them.
fn cut_lines(used: usize, value: &[u8]) -> Vec<u8> {
    let lines = value.split(|&byte| byte == b'\n').enumerate().map(|(number, line)| {
        let room = LINE_BUFFER - if number == 0 { used.min(LINE_BUFFER) } else { 0 };
        &line[..line.len().min(room)]
    });
    lines.collect::<Vec<_>>().join(&b'\n')
}

/// The header fields that the stock configuration file declares, in its order, but for Return-Path, which indices do not count.
const DEFAULT_FIELDS: [&str; 8] =
    ["Received", "Resent-Date", "Date", "Resent-From", "From", "Full-Name", "Resent-Message-Id", "Message-Id"];

/// The default field that is not in that list.
const RETURN_PATH: &[u8] = b"Return-Path";
/// What stands in the configuration file for its value, with the mark that sendmail makes of `$` when it reads the file.
const RETURN_PATH_TEMPLATE: &[u8] = b" <\x81g>";
const FULL_NAME_TEMPLATE: &[u8] = b"\x81x";
/// The longest field name that is sent on, bytes.
const NAME_MAX: usize = 200;
/// What a line of a header field is put together in, bytes (`MAXLINE` and 255).
const LINE_BUFFER: usize = 2303;

/// Fields that only a mailer with the right flag would get, and a relay has none of the flags.
const NEVER_RELAYED: [&str; 3] = ["Return-Path", "Full-Name", "Content-Length"];

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(client: &[(&str, &str)]) -> SendmailHeaders {
        let generated = Generated {
            received: b"own".to_vec(),
            date: b"now".to_vec(),
            from: b"envelope".to_vec(),
            message_id: b"<id>".to_vec(),
        };
        let client = client.iter().map(|(name, value)| Header::new(*name, format!(" {value}"))).collect();
        SendmailHeaders::new(&generated, client)
    }

    const FULL: [(&str, &str); 4] = [("From", "a"), ("Date", "then"), ("Message-ID", "<1>"), ("X-Dup", "one")];

    fn text(headers: &SendmailHeaders) -> String {
        String::from_utf8(headers.text(b"")).unwrap()
    }

    #[test]
    fn what_the_client_left_out_is_generated_near_the_top() {
        let list = headers(&[("Subject", "x")]);
        assert_eq!(text(&list), "Received: own\nDate: now\nFrom: envelope\nMessage-Id: <id>\nSubject: x\n\n");
        assert_eq!(list.visible().len(), 1);
    }

    #[test]
    fn indices_1_to_8_are_all_between_received_and_the_clients_first_field() {
        for index in 1..=8 {
            let mut list = headers(&FULL);
            list.insert(index, b"X-Ins", b"v");
            assert!(text(&list).starts_with("Received: own\nX-Ins: v\nFrom: a\n"), "{index}: {}", text(&list));
        }
        let mut list = headers(&FULL);
        list.insert(9, b"X-Ins", b"v");
        list.insert(u32::MAX, b"X-Top", b"v");
        assert!(text(&list).starts_with("X-Top: v\nReceived: own\nFrom: a\nX-Ins: v\nDate: then\n"), "{}", text(&list));
    }

    #[test]
    fn inserted_fields_count_for_those_after_them() {
        let mut list = headers(&FULL);
        for (index, name) in [(0, "X-First"), (0, "X-Second"), (1, "X-Third"), (2, "X-Fourth")] {
            list.insert(index, name.as_bytes(), b"v");
        }
        assert!(
            text(&list).starts_with("X-Second: v\nX-Third: v\nX-Fourth: v\nX-First: v\nReceived: own\n"),
            "{}",
            text(&list)
        );
    }

    #[test]
    fn an_added_field_fills_the_default_slot_or_goes_before_its_namesake() {
        let mut list = headers(&FULL);
        assert_eq!(list.add(b"from", b"other"), Change::DefaultFilled(b"From".to_vec()));
        assert_eq!(list.add(b"X-Dup", b"two"), Change::Added);
        assert_eq!(list.add(b"Received", b"from milter"), Change::Added);
        let expected = "Received: from milter\nReceived: own\nFrom: other\nFrom: a\nDate: then\nMessage-ID: <1>\nX-Dup: two\nX-Dup: one\n\n";
        assert_eq!(text(&list), expected);
    }

    #[test]
    fn a_deleted_field_is_counted_until_the_filter_is_done() {
        let mut list = headers(&[("X-Dup", "one"), ("X-Dup", "two"), ("X-Dup", "three")]);
        list.change(1, b"X-Dup", b"");
        list.change(2, b"X-Dup", b"");
        assert_eq!(list.change(1, b"X-Dup", b""), Change::Deleted { default: false, old: None });
        list.settle();
        assert_eq!(list.change(1, b"X-Dup", b""), Change::Deleted { default: false, old: Some(b" three".to_vec()) });
        assert_eq!(list.change(1, b"X-Nope", b""), Change::NothingToDelete);
    }

    #[test]
    fn a_generated_field_can_be_changed_but_not_our_received() {
        let mut list = headers(&[]);
        assert_eq!(
            list.change(1, b"message-id", b"<m>"),
            Change::Changed { default: true, old: Some(b" <id>".to_vec()) }
        );
        assert_eq!(list.change(1, b"Received", b"changed"), Change::Added);
        assert_eq!(text(&list), "Received: changed\nReceived: own\nDate: now\nFrom: envelope\nMessage-Id: <m>\n\n");
    }
}
