//! Any text as a macro-string of each kind, read, printed and expanded.

#![no_main]

#[path = "../../spf/tests/support/fuzz.rs"]
#[expect(dead_code, reason = "each target runs one of the three functions")]
mod fuzz;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::macro_string(data));
