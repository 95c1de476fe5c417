//! What the programs hold to be unsafe to show: each has a list of its own, as none of their crates needs another one, and the lists
//! are equal.

use std::borrow::Cow;

#[test]
fn fake_mta_and_fake_dns_escape_the_same_characters() {
    let is_escaped = |c: char| matches!(fake_mta::diag::escape(c.encode_utf8(&mut [0; 4])), Cow::Owned(_));
    let is_replaced = |c: char| fake_dns::cli::harmless(c) != c;
    let escaped = ('\0'..=char::MAX).filter(|c| is_escaped(*c)).count();
    assert!(escaped > 200, "{escaped} characters are escaped");
    let disputed: Vec<_> = ('\0'..=char::MAX).filter(|c| is_escaped(*c) != is_replaced(*c)).collect();
    assert!(disputed.is_empty(), "{disputed:?}");
}
