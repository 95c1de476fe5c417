//! Which faults a question meets.

use std::time::Duration;

use zone::{Name, RecordType};

use crate::{Action, FaultRule, Transport};

/// The rules in force, each with the number of questions that fitted it so far.
#[derive(Default)]
pub(crate) struct Rules {
    rules: Vec<(FaultRule, u64)>,
}

impl Rules {
    pub(crate) fn push(&mut self, rule: FaultRule) {
        self.rules.push((rule, 0));
    }

    /// Counts the question for every rule that fits, and says what is due.
    pub(crate) fn choose(&mut self, name: &Name, rtype: RecordType, transport: Transport, step: u64) -> Chosen {
        let mut chosen = Chosen::default();
        for (rule, count) in &mut self.rules {
            if !rule.fits(name, rtype, transport) {
                continue;
            }
            *count += 1;
            if !rule.when.is_due(*count, step) {
                continue;
            }
            match &rule.action {
                Action::Delay(delay) => chosen.delays.push(*delay),
                action => drop(chosen.action.get_or_insert_with(|| action.clone())),
            }
        }
        chosen
    }
}

impl FromIterator<FaultRule> for Rules {
    fn from_iter<I: IntoIterator<Item = FaultRule>>(rules: I) -> Self {
        Self { rules: rules.into_iter().map(|rule| (rule, 0)).collect() }
    }
}

/// What is due for one question: all delays, and the first other action.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    delays: Vec<Duration>,
    pub(crate) action: Option<Action>,
}

impl Chosen {
    pub(crate) fn delay(&self) -> Duration {
        self.delays.iter().fold(Duration::ZERO, |sum, delay| sum.saturating_add(*delay)).min(MAX_TOTAL_DELAY)
    }

    /// For the log: the actions as rules spell them.
    pub(crate) fn text(&self) -> Option<String> {
        let delays = self.delays.iter().map(|delay| Action::Delay(*delay).to_string());
        let texts: Vec<_> = delays.chain(self.action.iter().map(ToString::to_string)).collect();
        (!texts.is_empty()).then(|| texts.join(", "))
    }
}

/// A clock cannot be asked for a time beyond its range, whatever a program puts into a rule.
const MAX_TOTAL_DELAY: Duration = Duration::from_secs(24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(texts: &[&str]) -> Rules {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn ask(rules: &mut Rules, name: &str, step: u64) -> String {
        let chosen = rules.choose(&name.parse().unwrap(), RecordType::TXT, Transport::Udp, step);
        chosen.text().unwrap_or_default()
    }

    #[test]
    fn delays_add_up_and_the_first_other_action_wins() {
        let mut rules = rules(&["* ANY delay 10ms", "a TXT delay 1s", "a TXT servfail", "a TXT drop"]);
        assert_eq!(ask(&mut rules, "a", 0), "delay 10ms, delay 1000ms, rcode SERVFAIL");
        assert_eq!(ask(&mut rules, "b", 0), "delay 10ms");
    }

    #[test]
    fn a_rule_that_is_done_lets_the_next_one_act() {
        let mut rules = rules(&["a TXT drop first 1", "a TXT servfail every 2", "* ANY refused until step 1"]);
        assert_eq!(ask(&mut rules, "b", 0), "rcode REFUSED");
        let answers: Vec<_> = (0..4).map(|_| ask(&mut rules, "a", 1)).collect();
        assert_eq!(answers, ["drop", "rcode SERVFAIL", "", "rcode SERVFAIL"]);
    }

    #[test]
    fn delays_do_not_overflow() {
        let mut rules = Rules::default();
        for _ in 0..2 {
            let action = Action::Delay(Duration::MAX);
            rules.push(FaultRule::new(crate::NamePattern::All, crate::TypePattern::Any, action));
        }
        let chosen = rules.choose(&Name::root(), RecordType::A, Transport::Tcp, 0);
        assert_eq!(chosen.delay(), MAX_TOTAL_DELAY);
    }
}
