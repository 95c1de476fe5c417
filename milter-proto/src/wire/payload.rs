//! Reading and writing the parts of a payload.

use super::{error::DecodeError, escape::Escaped};
use crate::limits::ARGS_MAX;

/// Reads a payload from front to back.
pub(super) struct Payload<'a> {
    packet: &'static str,
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Payload<'a> {
    pub(super) fn new(packet: &'static str, bytes: &'a [u8]) -> Self {
        Self { packet, bytes, offset: 0 }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.offset..]
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.offset == self.bytes.len()
    }

    pub(super) fn byte(&mut self, expected: &'static str) -> Result<u8, DecodeError> {
        self.array::<1>(expected).map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self, expected: &'static str) -> Result<u16, DecodeError> {
        self.array(expected).map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self, expected: &'static str) -> Result<u32, DecodeError> {
        self.array(expected).map(u32::from_be_bytes)
    }

    /// Bytes up to a NUL, which is read too.
    pub(super) fn string(&mut self, expected: &'static str) -> Result<Vec<u8>, DecodeError> {
        let rest = self.rest();
        let Some(length) = rest.iter().position(|byte| *byte == 0) else { return Err(self.error(expected)) };
        self.offset += length + 1;
        Ok(rest[..length].to_vec())
    }

    /// ESMTP parameters up to the end. They are counted before they are kept: each takes more memory than the one byte
    /// that an empty one is on the wire.
    pub(super) fn args(&mut self) -> Result<Vec<Vec<u8>>, DecodeError> {
        let mut args = Vec::new();
        while !self.is_at_end() {
            if args.len() == ARGS_MAX {
                return Err(self.error("the end after so many parameters"));
            }
            args.push(self.string("a parameter that ends in NUL")?);
        }
        Ok(args)
    }

    /// Everything to the end.
    pub(super) fn remaining(&mut self) -> Vec<u8> {
        let rest = self.rest().to_vec();
        self.offset = self.bytes.len();
        rest
    }

    /// That nothing is left.
    pub(super) fn end(&self) -> Result<(), DecodeError> {
        if self.is_at_end() { Ok(()) } else { Err(self.error("the end")) }
    }

    pub(super) fn error(&self, expected: &'static str) -> DecodeError {
        self.error_at(self.offset, expected)
    }

    /// An error about the byte that was read last.
    pub(super) fn error_before(&self, expected: &'static str) -> DecodeError {
        self.error_at(self.offset.saturating_sub(1), expected)
    }

    fn error_at(&self, offset: usize, expected: &'static str) -> DecodeError {
        let came = describe(self.bytes.get(offset..).unwrap_or_default());
        DecodeError { packet: self.packet, offset, expected, came }
    }

    fn array<const N: usize>(&mut self, expected: &'static str) -> Result<[u8; N], DecodeError> {
        let Some(array) = self.rest().first_chunk::<N>() else { return Err(self.error(expected)) };
        self.offset += N;
        Ok(*array)
    }
}

/// A short text for what stands there.
fn describe(bytes: &[u8]) -> String {
    const SHOWN_MAX: usize = 24;
    match bytes {
        [] => "the end".to_owned(),
        bytes if bytes.len() <= SHOWN_MAX => format!("`{}`", Escaped(bytes)),
        bytes => format!("`{}` and {} bytes more", Escaped(&bytes[..SHOWN_MAX]), bytes.len() - SHOWN_MAX),
    }
}

/// Writes `text` and its NUL.
pub(super) fn put_string(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(text);
    out.push(0);
}
