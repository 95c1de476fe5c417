//! Captured sessions of real MTAs, as they are written.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// One captured session.
#[derive(Debug, Clone, Deserialize)]
pub struct Capture {
    /// The name of the scenario that was played.
    pub name: String,
    /// `sendmail` or `postfix`.
    pub mta: String,
    /// A short name of what it is about.
    pub group: String,
    /// What differs from the base configuration.
    pub(super) config: BTreeMap<String, Value>,
    pub(super) client: CapturedClient,
    /// The dialogue, entry by entry.
    pub(super) smtp: Vec<BTreeMap<String, Value>>,
    pub(super) filters: Vec<CapturedFilter>,
    #[serde(default)]
    pub(super) delivered: Vec<CapturedMessage>,
    #[serde(default)]
    pub(super) log: Vec<String>,
    #[serde(default)]
    pub(super) interleave: Vec<(usize, usize, usize)>,
    #[serde(default)]
    pub(super) volatile: BTreeMap<String, Vec<Value>>,
    /// Keys beyond those.
    #[serde(flatten)]
    pub(super) others: BTreeMap<String, Value>,
}

/// Who talked to the MTA.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct CapturedClient {
    #[serde(default)]
    pub(super) address: Option<String>,
    #[serde(default)]
    pub(super) port: Option<u16>,
    #[serde(default)]
    pub(super) hostname: Option<String>,
    #[serde(default)]
    pub(super) dns: Option<String>,
    #[serde(default)]
    pub(super) local: bool,
}

/// One filter, with all connections to it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct CapturedFilter {
    pub(super) connections: Vec<CapturedConnection>,
}

/// One connection to a filter.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct CapturedConnection {
    packets: Vec<Vec<Value>>,
}

/// A message as the next hop got it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct CapturedMessage {
    pub(super) mail_from: String,
    pub(super) rcpt_to: Vec<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    message_hex: Option<String>,
    #[serde(default)]
    message_gen: Option<Value>,
}

/// What happened on the connection to a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Packet {
    /// The MTA sent a packet: its command byte and payload.
    Sent(u8, Vec<u8>),
    /// The filter sends a packet.
    Reply(u8, Vec<u8>),
    /// The filter sends bytes that are no packet.
    Raw(Vec<u8>),
    /// The filter closes the connection.
    Close,
    /// The MTA closed its side.
    Eof,
    /// The filter does nothing for so many milliseconds.
    Wait(u64),
}

impl Capture {
    /// Reads a capture.
    ///
    /// # Errors
    /// Text that is no JSON, or that lacks what every capture has.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Whether it was taken between MTA and filter: then nothing is known of replies, log and delivery.
    pub(super) fn has_packets_only(&self) -> bool {
        self.others.contains_key(PACKETS_ONLY)
    }

    /// Whether it was still going on when the recording ended: what came then is not known.
    pub(super) fn is_cut_off(&self) -> bool {
        self.others.contains_key(CUT_OFF)
    }

    /// The literal values of one kind that change from run to run.
    pub(super) fn volatile(&self, kind: &str) -> Vec<String> {
        let values = self.volatile.get(kind).map(Vec::as_slice).unwrap_or_default();
        values.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect()
    }
}

impl CapturedConnection {
    /// The entries in order; the error is one that is not known.
    pub(super) fn script(&self) -> Result<Vec<Packet>, String> {
        self.packets.iter().map(|entry| packet(entry)).collect()
    }
}

impl CapturedMessage {
    /// The message with LF line ends.
    pub(super) fn text(&self) -> Option<Vec<u8>> {
        if let Some(hex) = &self.message_hex {
            return unhex(hex).map(|bytes| crate::message::without_cr(&bytes));
        }
        if let Some(parts) = &self.message_gen {
            return payload(parts);
        }
        self.message.clone().map(String::into_bytes)
    }
}

fn packet(entry: &[Value]) -> Result<Packet, String> {
    let kind = entry.first().and_then(Value::as_str).unwrap_or_default();
    let problem = || format!("packet entry {}", Value::Array(entry.to_vec()));
    let code = || entry.get(1).and_then(packet_code).ok_or_else(problem);
    let bytes = || entry.get(2).and_then(payload).ok_or_else(problem);
    Ok(match kind {
        ">" => Packet::Sent(code()?, bytes()?),
        "<" => Packet::Reply(code()?, bytes()?),
        "<raw" => Packet::Raw(bytes()?),
        "<close" | "<eof" => Packet::Close,
        ">eof" | ">reset" => Packet::Eof,
        "wait" => {
            let seconds = entry.get(1).and_then(Value::as_f64).ok_or_else(problem)?;
            let time = std::time::Duration::try_from_secs_f64(seconds).map_err(|_| problem())?;
            Packet::Wait(time.as_millis().try_into().unwrap_or(u64::MAX))
        }
        other => return Err(other.to_owned()),
    })
}

/// The byte that a packet begins with: a character of Latin-1.
pub(crate) fn packet_code(value: &Value) -> Option<u8> {
    u8::try_from(u32::from(value.as_str()?.chars().next()?)).ok()
}

/// Bytes in hex, or as a rule that makes them.
pub(crate) fn payload(value: &Value) -> Option<Vec<u8>> {
    if let Some(hex) = value.as_str() {
        return unhex(hex);
    }
    let parts = value.get("gen").unwrap_or(value).as_array()?;
    let mut out = Vec::new();
    for part in parts {
        part_bytes(part, &mut out)?;
    }
    Some(out)
}

fn part_bytes(part: &Value, out: &mut Vec<u8>) -> Option<()> {
    if let Some(text) = part.as_str() {
        out.extend_from_slice(text.as_bytes());
    } else if let Some(hex) = part.get("hex").and_then(Value::as_str) {
        out.extend(unhex(hex)?);
    } else {
        let text = part.get("repeat")?.as_str()?;
        let count = part.get("count")?.as_u64()?;
        let from = part.get("from").and_then(Value::as_u64);
        // A text of nothing would be repeated for ever without ever being too long.
        let length = text.len().max(1).checked_mul(usize::try_from(count).ok()?)?;
        if length > EXPANDED_MAX {
            return None;
        }
        for index in 0..count {
            if out.len() > EXPANDED_MAX {
                return None;
            }
            match from {
                Some(from) => {
                    let number = format!("{:07}", from.saturating_add(index));
                    out.extend_from_slice(text.replace("%07d", &number).as_bytes());
                }
                None => out.extend_from_slice(text.as_bytes()),
            }
        }
    }
    Some(())
}

/// Bytes from hex digits.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()
}

/// The key of captures that `fake-mta record` has written.
pub(super) const PACKETS_ONLY: &str = "packets_only";

/// The key that says why a recording ends before its connection did.
pub(super) const CUT_OFF: &str = "cut_off";

/// The longest text that a rule may make, bytes.
const EXPANDED_MAX: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_makes_its_text() {
        let rule = serde_json::json!({"gen": ["a", {"hex": "00ff"}, {"repeat": "x", "count": 3}, {"repeat": "%07d.", "from": 9, "count": 2}]});
        assert_eq!(payload(&rule), Some(b"a\0\xffxxx0000009.0000010.".to_vec()));
        assert_eq!(payload(&serde_json::json!("6162")), Some(b"ab".to_vec()));
        assert_eq!(payload(&serde_json::json!("6")), None);
        assert_eq!(payload(&serde_json::json!([{"repeat": "x", "count": u64::MAX}])), None);
        assert_eq!(payload(&serde_json::json!([{"repeat": "", "count": u64::MAX}])), None);
    }

    #[test]
    fn an_entry_that_is_not_known_is_named() {
        assert_eq!(packet(&[serde_json::json!("<?")]), Err("<?".to_owned()));
        assert_eq!(packet(&[serde_json::json!("wait"), serde_json::json!(0.5)]), Ok(Packet::Wait(500)));
    }
}
