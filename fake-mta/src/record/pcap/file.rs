//! The packets in capture files: pcap of either byte order and resolution, and pcapng.

/// A captured packet.
#[derive(Debug)]
pub(super) struct Packet<'a> {
    /// When, in microseconds from a beginning that is the same for all packets of the file.
    pub(super) time: u64,
    /// What begins with the header of IP.
    pub(super) ip: &'a [u8],
}

/// Whether these bytes are a pcap or a pcapng file.
pub(crate) fn is_capture(bytes: &[u8]) -> bool {
    Order::of_pcap(bytes).is_some() || bytes.starts_with(&SECTION)
}

/// All packets of IP; what lies behind bytes that make no sense is not read.
///
/// # Errors
/// What kind of link it was taken from, if that is not known here.
pub(super) fn packets(bytes: &[u8]) -> Result<Vec<Packet<'_>>, String> {
    match Order::of_pcap(bytes) {
        Some((order, per_second)) => pcap(bytes, order, per_second),
        None => pcapng(bytes),
    }
}

/// In which order the bytes of a number stand.
#[derive(Debug, Clone, Copy)]
enum Order {
    Big,
    Little,
}

impl Order {
    /// That of a pcap file by its magic number, and how many units of time a second has.
    fn of_pcap(bytes: &[u8]) -> Option<(Self, u64)> {
        match bytes.get(..4)? {
            [0xa1, 0xb2, 0xc3, 0xd4] => Some((Self::Big, 1_000_000)),
            [0xa1, 0xb2, 0x3c, 0x4d] => Some((Self::Big, 1_000_000_000)),
            [0xd4, 0xc3, 0xb2, 0xa1] => Some((Self::Little, 1_000_000)),
            [0x4d, 0x3c, 0xb2, 0xa1] => Some((Self::Little, 1_000_000_000)),
            _ => None,
        }
    }

    fn word(self, bytes: &[u8], at: usize) -> Option<u32> {
        let four = *bytes.get(at..)?.first_chunk::<4>()?;
        Some(match self {
            Self::Big => u32::from_be_bytes(four),
            Self::Little => u32::from_le_bytes(four),
        })
    }

    fn length(self, bytes: &[u8], at: usize) -> Option<usize> {
        usize::try_from(self.word(bytes, at)?).ok()
    }

    fn half(self, bytes: &[u8], at: usize) -> Option<u16> {
        let two = *bytes.get(at..)?.first_chunk::<2>()?;
        Some(match self {
            Self::Big => u16::from_be_bytes(two),
            Self::Little => u16::from_le_bytes(two),
        })
    }
}

fn pcap(bytes: &[u8], order: Order, per_second: u64) -> Result<Vec<Packet<'_>>, String> {
    let link = order.word(bytes, 20).ok_or("a pcap file without a header")? & 0x0fff_ffff;
    let mut packets = Vec::new();
    let mut at = 24;
    while let Some(length) = order.length(bytes, at + 8) {
        let Some(data) = bytes.get(at + 16..).and_then(|rest| rest.get(..length)) else { break };
        let seconds = u64::from(order.word(bytes, at).unwrap_or(0));
        let rest = u64::from(order.word(bytes, at + 4).unwrap_or(0));
        at += 16 + length;
        let time = seconds * 1_000_000 + rest * 1_000_000 / per_second;
        packets.extend(ip_of(link, data)?.map(|ip| Packet { time, ip }));
    }
    Ok(packets)
}

/// An interface of a pcapng file.
struct Interface {
    link: u32,
    units_per_second: u64,
}

fn pcapng(bytes: &[u8]) -> Result<Vec<Packet<'_>>, String> {
    let mut order = Order::Little;
    let mut interfaces: Vec<Interface> = Vec::new();
    let mut packets = Vec::new();
    let mut at = 0;
    loop {
        if bytes.get(at..at + 4) == Some(&SECTION[..]) {
            order =
                if bytes.get(at + 8..at + 12) == Some(&[0x1a, 0x2b, 0x3c, 0x4d]) { Order::Big } else { Order::Little };
            interfaces.clear();
        }
        let Some(length) = order.length(bytes, at + 4).filter(|length| *length >= 12) else { break };
        let Some(block) = bytes.get(at..).and_then(|rest| rest.get(..length)) else { break };
        at += length;
        match order.word(block, 0) {
            Some(1) => interfaces.extend(interface(order, block)),
            Some(6) => packets.extend(enhanced_packet(order, block, &interfaces)?),
            _ => {}
        }
    }
    Ok(packets)
}

/// An interface description block.
fn interface(order: Order, block: &[u8]) -> Option<Interface> {
    let link = u32::from(order.half(block, 8)?);
    let mut units_per_second = 1_000_000;
    let mut at = 16;
    while let (Some(option), Some(length)) = (order.half(block, at), order.half(block, at + 2)) {
        // if_tsresol: a power of ten, or of two if the high bit is set.
        if option == 9 && length == 1 {
            let power = *block.get(at + 4)?;
            let units = if power & 0x80 == 0 {
                10_u64.checked_pow(power.into())
            } else {
                2_u64.checked_pow((power & 0x7f).into())
            };
            units_per_second = units?;
        }
        at += 4 + usize::from(length).next_multiple_of(4);
    }
    Some(Interface { link, units_per_second })
}

fn enhanced_packet<'a>(order: Order, block: &'a [u8], interfaces: &[Interface]) -> Result<Option<Packet<'a>>, String> {
    let Some(interface) = order.length(block, 8).and_then(|number| interfaces.get(number)) else { return Ok(None) };
    let (Some(high), Some(low), Some(length)) = (order.word(block, 12), order.word(block, 16), order.length(block, 20))
    else {
        return Ok(None);
    };
    let Some(data) = block.get(28..).and_then(|rest| rest.get(..length)) else { return Ok(None) };
    let units = u128::from(u64::from(high) << 32 | u64::from(low));
    let time = u64::try_from(units * 1_000_000 / u128::from(interface.units_per_second)).unwrap_or(u64::MAX);
    Ok(ip_of(interface.link, data)?.map(|ip| Packet { time, ip }))
}

/// The packet of IP in one of the link.
fn ip_of(link: u32, data: &[u8]) -> Result<Option<&[u8]>, String> {
    let offset = match link {
        0 | 108 => 4,
        1 => ethernet_header(data),
        12 | 101 | 228 | 229 => 0,
        113 => 16,
        276 => 20,
        other => {
            return Err(format!("link type {other} is not known (Ethernet, Linux cooked, loopback and raw IP are)"));
        }
    };
    Ok(data.get(offset..))
}

/// Each VLAN tag is four bytes more.
fn ethernet_header(data: &[u8]) -> usize {
    let mut at = 12;
    while matches!(data.get(at..at + 2), Some([0x81, 0x00] | [0x88, 0xa8])) {
        at += 4;
    }
    at + 2
}

/// The type of the block that begins a section, which is the same in either byte order.
const SECTION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_cut_off_or_senseless_gives_what_it_has() {
        assert!(!is_capture(b"{}"));
        let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1];
        file.resize(24, 0);
        file[20] = 1;
        assert_eq!(packets(&file).map(|found| found.len()), Ok(0));
        file.extend_from_slice(&[0xff; 16]);
        assert_eq!(packets(&file).map(|found| found.len()), Ok(0));
        file[20] = 200;
        assert!(packets(&file).is_ok());
        assert_eq!(packets(&SECTION).map(|found| found.len()), Ok(0));
    }

    #[test]
    fn packets_of_pcapng_have_their_interface_and_its_clock() {
        let mut file = SECTION.to_vec();
        file.extend_from_slice(&[28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0]);
        file.extend_from_slice(&[0xff; 8]);
        file.extend_from_slice(&[28, 0, 0, 0]);
        // Raw IP; three digits behind the point.
        file.extend_from_slice(&[
            1, 0, 0, 0, 28, 0, 0, 0, 101, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 3, 0, 0, 0, 28, 0, 0, 0,
        ]);
        file.extend_from_slice(&[6, 0, 0, 0, 36, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0]);
        file.extend_from_slice(&[b'i', b'p', b'v', b'4', 36, 0, 0, 0]);
        let found = packets(&file).expect("a link that is known");
        assert_eq!(found.iter().map(|packet| (packet.time, packet.ip)).collect::<Vec<_>>(), [(2000, &b"ipv4"[..])]);
    }

    #[test]
    fn vlan_tags_are_part_of_the_header() {
        let mut frame = vec![0; 12];
        frame.extend_from_slice(&[0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 8, 0, 0x45]);
        assert_eq!(ip_of(1, &frame), Ok(Some(&[0x45][..])));
    }
}
