//! `fake-mta explain NAME`: what a warning means.

use crate::{
    diag::{Diag, escape},
    lint::{Lint, MtaKind},
    report::text::put,
    run::{Console, Exit},
    scenario::did_you_mean,
};

/// Explains the warning of that name; without one, all are listed.
pub(crate) fn explain(name: Option<&str>, console: &mut Console) -> Exit {
    let text = match name {
        None => list(),
        Some(name) => match Lint::from_id(name) {
            Some(lint) => text(lint),
            None => {
                console.diags(&[unknown(name)]);
                return Exit::USAGE;
            }
        },
    };
    console.results(&text);
    Exit::PASSED
}

fn list() -> String {
    let mut text = String::new();
    for lint in Lint::ALL {
        put(&mut text, format_args!("{:<24} {}\n", lint.id(), lint.title()));
    }
    text
}

fn text(lint: Lint) -> String {
    let mut text = format!("{lint}: {}\n\n", lint.title());
    for mta in MtaKind::ALL {
        put(&mut text, format_args!("  {:<9} {}\n", format!("{mta}:"), lint.outcome(mta)));
    }
    text + &format!("\nWhy it matters: {}\nWhat to do: {}\n", lint.why(), lint.remedy())
}

fn unknown(name: &str) -> Diag {
    let help = if name.contains('/') {
        "what a case of conform is about is told by `fake-mta conform --list`".to_owned()
    } else {
        let names: Vec<&str> = Lint::ALL.iter().map(|lint| lint.id()).collect();
        did_you_mean(name, &names)
    };
    Diag::error(format!("there is no warning `{}`", escape(name))).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_warning_is_explained_and_no_two_alike() {
        let mut told: Vec<&str> = Lint::ALL.iter().flat_map(|lint| [lint.why(), lint.remedy()]).collect();
        assert!(told.iter().all(|text| text.len() > 20 && (text.ends_with('.') || text.ends_with('`'))), "{told:?}");
        let all = told.len();
        told.sort_unstable();
        told.dedup();
        assert_eq!((told.len(), list().lines().count()), (all, Lint::ALL.len()));
    }

    #[test]
    fn a_name_that_is_none_is_told_of_the_nearest() {
        for (name, help) in [
            ("edit-not-negotated", "did you mean `edit-not-negotiated`?"),
            ("negotiate/offer", "what a case of conform is about is told by `fake-mta conform --list`"),
        ] {
            let diag = unknown(name);
            assert_eq!((diag.title, diag.help), (format!("there is no warning `{name}`"), vec![help.to_owned()]));
        }
    }
}
