use std::fmt;

use super::{Form, Macro, MacroString, Part};

impl fmt::Display for MacroString {
    /// Prints text that reads back as an equal macro-string.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = match &self.0 {
            Form::Literal(text) => return f.write_str(text),
            Form::Parts(parts) => parts,
        };
        parts.list.iter().try_for_each(|part| match part {
            Part::Literal(text) => f.write_str(parts.text_at(text)),
            Part::Percent => f.write_str("%%"),
            Part::Space => f.write_str("%_"),
            Part::UrlSpace => f.write_str("%-"),
            Part::Macro(found) => found.fmt(f),
            Part::Variable { name, url_escape: false } => write!(f, "%{{{}}}", parts.text_at(name)),
            Part::Variable { name, url_escape: true } => write!(f, "%{{{}}}", parts.text_at(name).to_ascii_uppercase()),
        })
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
