use std::fmt;

use super::{Macro, MacroString, Part};

impl fmt::Display for MacroString {
    /// Prints text that reads back as an equal macro-string.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| part.fmt(f))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(text) => f.write_str(text),
            Self::Percent => f.write_str("%%"),
            Self::Space => f.write_str("%_"),
            Self::UrlSpace => f.write_str("%-"),
            Self::Macro(found) => found.fmt(f),
            Self::Variable { name, url_escape: false } => write!(f, "%{{{name}}}"),
            Self::Variable { name, url_escape: true } => write!(f, "%{{{}}}", name.to_ascii_uppercase()),
        }
    }
}

impl fmt::Display for Macro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = self.letter.letter();
        write!(f, "%{{{}", if self.url_escape { letter.to_ascii_uppercase() } else { letter })?;
        if let Some(parts) = self.parts {
            write!(f, "{parts}")?;
        }
        if self.reverse {
            f.write_str("r")?;
        }
        for delimiter in self.delimiters.written() {
            write!(f, "{}", char::from(delimiter))?;
        }
        f.write_str("}")
    }
}
