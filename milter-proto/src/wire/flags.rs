//! The two sets of flags that are negotiated.

use std::{fmt, ops::BitOr};

/// Defines a set of flags: a number with names for its bits.
macro_rules! flags {
    (
        $(#[$meta:meta])* $set:ident;
        $($(#[$flag_meta:meta])* $flag:ident = $bit:expr, $c_name:literal;)+
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $set(u32);

        impl $set {
            $($(#[$flag_meta])* #[doc(alias = $c_name)] pub const $flag: Self = Self($bit);)+

            /// No flag.
            pub const NONE: Self = Self(0);

            const NAMES: &'static [(&'static str, Self)] = &[$((stringify!($flag), Self::$flag)),+];

            /// The set with these bits, also those without a name.
            pub const fn from_bits(bits: u32) -> Self {
                Self(bits)
            }

            /// The bits.
            pub const fn bits(self) -> u32 {
                self.0
            }

            /// Whether all flags of `other` are in it.
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// Whether no flag is in it.
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// The flags of both.
            #[must_use]
            pub const fn union(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// The flags that are in both.
            #[must_use]
            pub const fn intersection(self, other: Self) -> Self {
                Self(self.0 & other.0)
            }

            /// The flags that are not in `other`.
            #[must_use]
            pub const fn without(self, other: Self) -> Self {
                Self(self.0 & !other.0)
            }
        }

        impl BitOr for $set {
            type Output = Self;

            fn bitor(self, other: Self) -> Self {
                self.union(other)
            }
        }

        impl fmt::Display for $set {
            /// The names with `|` between them; `ALL`, `NONE`; bits without a name as a number.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_names(f, self.0, Self::ALL.0, Self::NAMES.iter().map(|(name, flag)| (*name, flag.0)))
            }
        }
    };
}

flags! {
    /// What a filter may do to a message (`SMFIF_*`).
    Actions;
    /// Add and insert header fields.
    ADD_HEADERS = 0x001, "SMFIF_ADDHDRS";
    /// Replace the body.
    CHANGE_BODY = 0x002, "SMFIF_CHGBODY";
    /// Add recipients.
    ADD_RCPT = 0x004, "SMFIF_ADDRCPT";
    /// Delete recipients.
    DELETE_RCPT = 0x008, "SMFIF_DELRCPT";
    /// Change and delete header fields.
    CHANGE_HEADERS = 0x010, "SMFIF_CHGHDRS";
    /// Put the message into quarantine.
    QUARANTINE = 0x020, "SMFIF_QUARANTINE";
    /// Change the sender.
    CHANGE_FROM = 0x040, "SMFIF_CHGFROM";
    /// Add recipients with ESMTP parameters.
    ADD_RCPT_PAR = 0x080, "SMFIF_ADDRCPT_PAR";
    /// Say which macros it wants.
    SET_SYMLIST = 0x100, "SMFIF_SETSYMLIST";
}

flags! {
    /// Which steps of the protocol a filter wants or does without (`SMFIP_*`).
    Protocol;
    /// Do not send connect.
    NO_CONNECT = 0x00_0001, "SMFIP_NOCONNECT";
    /// Do not send helo.
    NO_HELO = 0x00_0002, "SMFIP_NOHELO";
    /// Do not send mail.
    NO_MAIL = 0x00_0004, "SMFIP_NOMAIL";
    /// Do not send rcpt.
    NO_RCPT = 0x00_0008, "SMFIP_NORCPT";
    /// Do not send body.
    NO_BODY = 0x00_0010, "SMFIP_NOBODY";
    /// Do not send header.
    NO_HEADERS = 0x00_0020, "SMFIP_NOHDRS";
    /// Do not send eoh.
    NO_EOH = 0x00_0040, "SMFIP_NOEOH";
    /// No reply to header.
    NR_HEADER = 0x00_0080, "SMFIP_NR_HDR";
    /// Do not send unknown.
    NO_UNKNOWN = 0x00_0100, "SMFIP_NOUNKNOWN";
    /// Do not send data.
    NO_DATA = 0x00_0200, "SMFIP_NODATA";
    /// The MTA understands [`Reply::Skip`](crate::Reply::Skip).
    SKIP = 0x00_0400, "SMFIP_SKIP";
    /// Also send the recipients that the MTA itself refused.
    RCPT_REJ = 0x00_0800, "SMFIP_RCPT_REJ";
    /// No reply to connect.
    NR_CONNECT = 0x00_1000, "SMFIP_NR_CONN";
    /// No reply to helo.
    NR_HELO = 0x00_2000, "SMFIP_NR_HELO";
    /// No reply to mail.
    NR_MAIL = 0x00_4000, "SMFIP_NR_MAIL";
    /// No reply to rcpt.
    NR_RCPT = 0x00_8000, "SMFIP_NR_RCPT";
    /// No reply to data.
    NR_DATA = 0x01_0000, "SMFIP_NR_DATA";
    /// No reply to unknown.
    NR_UNKNOWN = 0x02_0000, "SMFIP_NR_UNKN";
    /// No reply to eoh.
    NR_EOH = 0x04_0000, "SMFIP_NR_EOH";
    /// No reply to body.
    NR_BODY = 0x08_0000, "SMFIP_NR_BODY";
    /// Header values come, and go, with the space that stands before them.
    HDR_LEADSPC = 0x10_0000, "SMFIP_HDR_LEADSPC";
    /// Payloads of up to 262143 bytes.
    MDS_256K = 0x1000_0000, "SMFIP_MDS_256K";
    /// Payloads of up to 1048575 bytes.
    MDS_1M = 0x2000_0000, "SMFIP_MDS_1M";
}

impl Actions {
    /// All actions of protocol version 6.
    #[doc(alias = "SMFI_CURR_ACTS")]
    pub const ALL: Self = Self(0x1ff);
    /// What an MTA that offers no actions at all is taken to know.
    #[doc(alias = "SMFI_V1_ACTS")]
    pub const V1: Self = Self(0x0f);
}

impl Protocol {
    /// All steps of protocol version 6.
    #[doc(alias = "SMFI_CURR_PROT")]
    pub const ALL: Self = Self(0x1f_ffff);
    /// What an MTA that offers no steps at all is taken to know.
    #[doc(alias = "SMFI_V1_PROT")]
    pub const V1: Self = Self(0x3f);
    /// The flags that turn the replies off.
    pub const NR_ALL: Self = Self(0x0f_f080);
    /// The flags that turn events off.
    pub const NO_ALL: Self = Self(0x37f);
    /// The flags for the size of packets.
    pub const MDS_ALL: Self = Self(0x3000_0000);
}

fn write_names(
    f: &mut fmt::Formatter<'_>,
    bits: u32,
    all: u32,
    names: impl Iterator<Item = (&'static str, u32)>,
) -> fmt::Result {
    match bits {
        0 => return f.write_str("NONE"),
        bits if bits == all => return f.write_str("ALL"),
        _ => {}
    }
    let mut rest = bits;
    let mut between = "";
    for (name, bit) in names.filter(|(_, bit)| bits & bit != 0) {
        write!(f, "{between}{name}")?;
        rest &= !bit;
        between = "|";
    }
    if rest == 0 { Ok(()) } else { write!(f, "{between}0x{rest:x}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_bits_are_all_bits_of_version_6() {
        let protocol = Protocol::NAMES.iter().fold(Protocol::NONE, |all, (_, flag)| all | *flag);
        assert_eq!(protocol, Protocol::ALL | Protocol::MDS_ALL);
        let actions = Actions::NAMES.iter().fold(Actions::NONE, |all, (_, flag)| all | *flag);
        assert_eq!(actions, Actions::ALL);
    }

    #[test]
    fn a_set_is_shown_by_its_names() {
        assert_eq!(Protocol::from_bits(0x4000_0006).to_string(), "NO_HELO|NO_MAIL|0x40000000");
        assert_eq!(Actions::ALL.to_string(), "ALL");
        assert_eq!(Actions::NONE.to_string(), "NONE");
        assert_eq!(
            Protocol::NR_ALL.to_string(),
            "NR_HEADER|NR_CONNECT|NR_HELO|NR_MAIL|NR_RCPT|NR_DATA|NR_UNKNOWN|NR_EOH|NR_BODY"
        );
    }
}
