//! A client, a sender and a small DNS, evaluated.

#![no_main]

#[path = "../../spf/tests/support/fuzz.rs"]
#[expect(dead_code, reason = "each target runs one of the three functions")]
mod fuzz;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::check_host(data));
