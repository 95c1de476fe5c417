//! Postfix's header rules: the list is what stands in the message, from the top.

use super::content::folded;
use super::content::{Header, message_text};

/// The header fields of a message in Postfix's queue. The first is its own Received field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PostfixHeaders {
    fields: Vec<Field>,
    /// SMFIP_HDR_LEADSPC: values from the filter bring their own leading space.
    pub(crate) leading_space: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    header: Header,
    /// The Received field that Postfix wrote itself. No index counts it and no filter sees it.
    own: bool,
}

impl PostfixHeaders {
    /// The list of a message with the header fields that the client sent.
    pub(crate) fn new(received: &[u8], headers: Vec<Header>) -> Self {
        let own = Field { header: Header::new("Received", received), own: true };
        let others = headers.into_iter().map(|header| Field { header, own: false });
        Self { fields: std::iter::once(own).chain(others).collect(), leading_space: false }
    }

    /// What the next filter sees.
    pub(crate) fn visible(&self) -> impl Iterator<Item = &Header> {
        self.fields.iter().filter(|field| !field.own).map(|field| &field.header)
    }

    /// The value of the first field of that name.
    pub(crate) fn value_of(&self, name: &[u8]) -> Option<&[u8]> {
        self.fields.iter().find(|field| field.header.is_named(name)).map(|field| &field.header.value[..])
    }

    /// How many fields of that name there are, our own among them.
    pub(crate) fn count_of(&self, name: &[u8]) -> usize {
        self.fields.iter().filter(|field| field.header.is_named(name)).count()
    }

    /// SMFIR_ADDHEADER: after the last field.
    pub(crate) fn add(&mut self, name: &[u8], value: &[u8]) {
        let field = self.filter_field(name, value);
        self.fields.push(field);
    }

    /// SMFIR_INSHEADER: the field becomes number `index` of all, own Received included, counted from 0; past the end it is appended.
    pub(crate) fn insert(&mut self, index: u32, name: &[u8], value: &[u8]) {
        let field = self.filter_field(name, value);
        let index = usize::try_from(index).unwrap_or(usize::MAX).min(self.fields.len());
        self.fields.insert(index, field);
    }

    /// SMFIR_CHGHEADER: the `index`th field of that name, counted from 1 without our own Received, is replaced, or deleted if
    /// the value is empty. A field that is not there is appended.
    pub(crate) fn change(&mut self, index: u32, name: &[u8], value: &[u8]) {
        let nth = usize::try_from(index.max(1)).unwrap_or(usize::MAX) - 1;
        let found = self.positions(name).nth(nth);
        match (found, value.is_empty()) {
            (Some(at), true) => drop(self.fields.remove(at)),
            (Some(at), false) => self.fields[at] = self.filter_field(name, value),
            (None, true) => {}
            (None, false) => self.add(name, value),
        }
    }

    /// The message as it leaves; `None` is a message that ends with its header.
    pub(crate) fn text(&self, body: Option<&[u8]>) -> Vec<u8> {
        message_text(self.fields.iter().map(|field| (&field.header.name[..], &field.header.value[..])), body)
    }

    fn positions<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let fields = self.fields.iter().enumerate();
        fields.filter(move |(_, field)| !field.own && field.header.is_named(name)).map(|(at, _)| at)
    }

    fn filter_field(&self, name: &[u8], value: &[u8]) -> Field {
        let space: &[u8] = if self.leading_space { b"" } else { b" " };
        Field { header: Header::new(name, [space, &folded(value, b'\t')].concat()), own: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers() -> PostfixHeaders {
        let client = ["one", "two", "three"].map(|value| Header::new("X-Dup", format!(" {value}")));
        PostfixHeaders::new(b" own", client.to_vec())
    }

    fn text(headers: &PostfixHeaders) -> String {
        String::from_utf8(headers.text(Some(b""))).unwrap()
    }

    #[test]
    fn index_0_is_above_our_own_received_and_1_below_it() {
        let mut list = headers();
        list.insert(1, b"X-One", b"1");
        list.insert(0, b"X-Zero", b"0");
        assert!(text(&list).starts_with("X-Zero: 0\nReceived: own\nX-One: 1\nX-Dup: one\n"), "{}", text(&list));
    }

    #[test]
    fn a_delete_renumbers_at_once() {
        let mut list = headers();
        list.change(1, b"x-dup", b"");
        list.change(2, b"x-dup", b"");
        assert_eq!(text(&list), "Received: own\nX-Dup: two\n\n");
    }

    #[test]
    fn a_change_takes_the_filters_spelling_and_one_that_finds_nothing_appends() {
        let mut list = headers();
        list.change(0, b"x-dup", b"new");
        list.change(1, b"Received", b"from milter");
        list.change(9, b"X-Dup", b"");
        assert_eq!(text(&list), "Received: own\nx-dup: new\nX-Dup: two\nX-Dup: three\nReceived: from milter\n\n");
    }

    #[test]
    fn no_value_starts_a_field_of_its_own() {
        let mut list = PostfixHeaders::new(b" own", Vec::new());
        list.add(b"X", b"a\r\nEvil: b\n c");
        assert_eq!(text(&list), "Received: own\nX: a\r\n\tEvil: b\n c\n\n");
    }
}
