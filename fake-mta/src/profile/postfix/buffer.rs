//! The memory into which Postfix reads what a filter says.

/// The buffer of one connection, as `vstring(3)` keeps it.
///
/// A text that comes without its NUL goes on with what stood in the memory before, up to the next NUL.
#[derive(Debug, Clone)]
pub(super) struct DataBuffer(Vec<u8>);

impl Default for DataBuffer {
    fn default() -> Self {
        let mut memory = vec![FILLER; SIZE_FIRST];
        memory[0] = 0;
        Self(memory)
    }
}

impl DataBuffer {
    /// Reads a packet's payload, and gives what the C library takes for the string that begins there.
    pub(super) fn read(&mut self, payload: &[u8]) -> Vec<u8> {
        while self.0.len() < payload.len() {
            let room = self.0.len() * 2;
            self.0.resize(room, FILLER);
        }
        self.0[..payload.len()].copy_from_slice(payload);
        let end = self.0.iter().position(|&byte| byte == 0).unwrap_or(self.0.len());
        self.0[..end].to_vec()
    }
}

/// What Postfix fills new memory with.
const FILLER: u8 = 0xff;
/// The room that a buffer has at first, bytes.
const SIZE_FIRST: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_its_end_goes_on_with_what_was_there() {
        let mut buffer = DataBuffer::default();
        assert_eq!(buffer.read(b""), b"");
        assert_eq!(buffer.read(b"550 a"), [&b"550 a"[..], &[FILLER; 95]].concat());
        assert_eq!(buffer.read(b"550 5.7.1 longer\0"), b"550 5.7.1 longer");
        assert_eq!(buffer.read(b"451 x"), b"451 x.7.1 longer");
        assert_eq!(buffer.read(&[b'z'; 150]).len(), 200);
    }
}
