/// Terms that cause DNS lookups, in one check and all records it includes (§4.6.4).
pub const TERM_LOOKUPS_MAX: u32 = 10;

/// Terms whose lookups may find nothing (NXDOMAIN, or no record of the type) before the check is an error (§4.6.4).
pub const VOID_LOOKUPS_MAX: u32 = 2;

/// Hosts of one `mx` mechanism whose addresses may be asked for (§4.6.4).
pub const MX_NAMES_MAX: usize = 10;

/// Names of one reverse lookup whose addresses may be asked for (§4.6.4, §5.5).
pub const PTR_NAMES_MAX: usize = 10;

/// Bytes of a domain name in text form, without a dot at the end (RFC 1035 section 2.3.4; §7.3).
pub const NAME_BYTES_MAX: usize = 253;

/// Bytes of one label (RFC 1035 section 2.3.4; §4.3).
pub const LABEL_BYTES_MAX: usize = 63;

/// Bytes of one SPF record: what a DNS message can carry. The RFC sets no limit of its own (§3.4 only advises 450).
pub const RECORD_BYTES_MAX: usize = 65_535;

/// Bytes of an explanation; a longer one is dropped. The RFC sets no limit; this is what an SMTP reply line
/// holds (RFC 5321 section 4.5.3.1.5).
pub const EXPLANATION_BYTES_MAX: usize = 512;

/// Records nested in one another by `include` and `redirect`, whatever [`Limits::terms`] allows.
pub const DEPTH_MAX: u32 = 50;

/// Terms that the trace of one check keeps; later ones are evaluated and not recorded.
pub const TRACE_TERMS_MAX: usize = 1_000;

/// The processing limits of [RFC 7208 section 4.6.4](https://www.rfc-editor.org/rfc/rfc7208#section-4.6.4).
///
/// The overall time is not among them: the caller's [`Lookup`](crate::Lookup) knows the clock and answers
/// [`Failure::Deadline`](crate::Failure::Deadline) when it has run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Terms that cause DNS lookups; one more is `permerror`. Default [`TERM_LOOKUPS_MAX`].
    pub terms: u32,
    /// Terms whose lookups were void; one more is `permerror`. Default [`VOID_LOOKUPS_MAX`].
    pub voids: u32,
    /// Hosts of one `mx`; one more is `permerror`. Default [`MX_NAMES_MAX`].
    pub mx_names: usize,
    /// Names of one reverse lookup; the rest are ignored. Default [`PTR_NAMES_MAX`].
    pub ptr_names: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { terms: TERM_LOOKUPS_MAX, voids: VOID_LOOKUPS_MAX, mx_names: MX_NAMES_MAX, ptr_names: PTR_NAMES_MAX }
    }
}
