use std::fmt;

use super::terms::{Directive, DualCidr, Mechanism, Modifier, Qualifier, Record, Term};
use crate::macro_string::MacroString;

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("v=spf1")?;
        self.terms().iter().try_for_each(|term| write!(f, " {term}"))
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directive(directive) => directive.fmt(f),
            Self::Modifier(modifier) => modifier.fmt(f),
        }
    }
}

impl fmt::Display for Directive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.qualifier, self.mechanism)
    }
}

impl fmt::Display for Qualifier {
    /// Prints nothing for `+`, which is the default.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "",
            Self::Fail => "-",
            Self::Softfail => "~",
            Self::Neutral => "?",
        })
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::All => Ok(()),
            Self::Include(domain) | Self::Exists(domain) => write!(f, ":{domain}"),
            Self::A { domain, cidr } | Self::Mx { domain, cidr } => {
                fmt_domain(domain.as_ref(), f)?;
                cidr.fmt(f)
            }
            Self::Ptr(domain) => fmt_domain(domain.as_ref(), f),
            Self::Ip4 { network, prefix_bits } => {
                write!(f, ":{network}")?;
                fmt_prefix("/", *prefix_bits, 32, f)
            }
            Self::Ip6 { network, prefix_bits } => {
                write!(f, ":{network}")?;
                fmt_prefix("/", *prefix_bits, 128, f)
            }
        }
    }
}

impl fmt::Display for DualCidr {
    /// Prints nothing for lengths that are the default.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_prefix("/", self.ip4_bits, 32, f)?;
        fmt_prefix("//", self.ip6_bits, 128, f)
    }
}

impl fmt::Display for Modifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redirect(target) => write!(f, "redirect={target}"),
            Self::Exp(target) => write!(f, "exp={target}"),
            Self::Unknown { name, value } => write!(f, "{name}={value}"),
        }
    }
}

fn fmt_domain(domain: Option<&MacroString>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    domain.map_or(Ok(()), |domain| write!(f, ":{domain}"))
}

fn fmt_prefix(slashes: &str, bits: u8, bits_max: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if bits == bits_max { Ok(()) } else { write!(f, "{slashes}{bits}") }
}
