//! What `TIMEOUT` stands for.

use std::{fmt, str::FromStr};

use fake_dns::{Action, Rcode};

use crate::scenario::Unknown;

/// How a question fails whose answer an openspf file gives as `TIMEOUT`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeoutForm {
    /// The server answers SERVFAIL: a resolver that waited for others in vain. The default, because nobody has to wait.
    #[default]
    Servfail,
    /// The server is silent.
    Silence,
}

impl TimeoutForm {
    /// What fake-dns does with such a question.
    pub(super) fn action(self) -> Action {
        match self {
            Self::Servfail => Action::Rcode(Rcode::SERVFAIL),
            Self::Silence => Action::Drop,
        }
    }
}

impl fmt::Display for TimeoutForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Servfail => "servfail",
            Self::Silence => "silence",
        })
    }
}

impl FromStr for TimeoutForm {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        let forms = [Self::Servfail, Self::Silence];
        let found = forms.into_iter().find(|form| form.to_string() == text);
        found.ok_or_else(|| Unknown::new("form of time-out", text, ["servfail", "silence"]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_reads_back_what_it_prints() {
        for form in [TimeoutForm::Servfail, TimeoutForm::Silence] {
            assert_eq!(form.to_string().parse(), Ok(form));
        }
        let unknown = "slience".parse::<TimeoutForm>().expect_err("a slip of the pen");
        assert_eq!(unknown.help, "did you mean `silence`?");
    }
}
