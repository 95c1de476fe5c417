//! What a run is asked to do.

use std::{net::SocketAddr, path::PathBuf};

use super::MilterAddr;
use crate::{openspf::TimeoutForm, report::Target, scenario::ProfileName};

/// What a run is asked to do; the command line's options.
#[derive(Clone, Debug)]
pub struct Options {
    /// Scenario files, and folders that are searched for them.
    pub paths: Vec<PathBuf>,
    /// Milters that run already, in place of the suite's: the first for scenarios with one, the first so many for a chain.
    pub milters: Vec<MilterAddr>,
    /// The fake DNS server's address, in place of a free port.
    pub dns: Option<SocketAddr>,
    /// Only this profile.
    pub profile: Option<ProfileName>,
    /// Only units whose path or name holds this text.
    pub filter: Option<String>,
    /// Only a part of the units.
    pub part: Part,
    /// How often everything is played.
    pub again: Again,
    /// What `TIMEOUT` in openspf suites stands for.
    pub openspf_timeout: TimeoutForm,
    /// How many units run at once.
    pub jobs: usize,
    /// Accept what came.
    pub bless: Option<BlessMode>,
    /// Reports beside the one for people.
    pub reports: Vec<Target>,
    /// Run again what changes, until the run is stopped.
    pub watch: bool,
    /// What is left of each world when its runs have ended.
    pub keep: Keep,
    /// Warnings are failures.
    pub strict: bool,
    /// Show the transcript of every unit.
    pub verbose: bool,
    /// What `{bin}` stands for: the folder of the running program.
    pub bin: PathBuf,
}

impl Options {
    /// Everything below `paths`, once, one run at a time; `{bin}` is the folder `bin`.
    pub fn new(paths: Vec<PathBuf>, bin: PathBuf) -> Self {
        Self {
            paths,
            milters: Vec::new(),
            dns: None,
            profile: None,
            filter: None,
            part: Part::default(),
            again: Again::default(),
            openspf_timeout: TimeoutForm::default(),
            jobs: 1,
            bless: None,
            reports: Vec::new(),
            watch: false,
            keep: Keep::Nothing,
            strict: false,
            verbose: false,
            bin,
        }
    }
}

/// How differences are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlessMode {
    /// Rewrite the lines that differ.
    Write,
    /// Say what would be rewritten.
    Check,
    /// Rewrite lines with matchers too.
    Force,
}

/// What is left of a world when its runs have ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// Nothing.
    #[default]
    Nothing,
    /// Its temporary folder.
    Folder,
    /// All of it, until the run is stopped: the folder, the milter and the DNS server.
    World,
}

/// Which of the units that fit otherwise are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Those that have one of these tags; all if there are none.
    pub tags: Vec<String>,
    /// One share of several.
    pub shard: Option<Shard>,
}

/// `i/n`: one of so many shares of the units. All shares together are all units, each once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    count: usize,
}

impl Shard {
    /// Whether the unit with this number, from 0, is in it.
    pub(super) fn holds(self, number: usize) -> bool {
        number % self.count == self.index
    }
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (index, count) = text.split_once('/')?;
            let (index, count) = (index.parse::<usize>().ok()?, count.parse::<usize>().ok()?);
            (1..=count).contains(&index).then(|| Self { index: index - 1, count })
        };
        read().ok_or_else(|| "write the first of three shares as 1/3".to_owned())
    }
}

/// How often everything is played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Again {
    /// So many times; 0 is once, or without an end if `until_fail` is set.
    pub times: u32,
    /// No more after the first round in which something failed.
    pub until_fail: bool,
}

impl Again {
    /// Whether another round follows after so many.
    pub(super) fn goes_on(self, rounds: u32, failed: bool) -> bool {
        let more = rounds < self.times || (self.times == 0 && self.until_fail);
        more && !(self.until_fail && failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_together_are_all_units_once() {
        let shards: Vec<Shard> = ["1/3", "2/3", "3/3"].iter().map(|text| text.parse().expect("a share")).collect();
        for number in 0..10 {
            assert_eq!(shards.iter().filter(|shard| shard.holds(number)).count(), 1);
        }
        for text in ["0/3", "4/3", "1", "a/b", "1/0"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }

    #[test]
    fn rounds_follow_until_there_were_enough_or_one_failed() {
        let again = |times, until_fail| Again { times, until_fail };
        assert!(!again(0, false).goes_on(1, false));
        assert!(again(3, false).goes_on(2, true) && !again(3, false).goes_on(3, false));
        assert!(again(0, true).goes_on(1000, false) && !again(0, true).goes_on(1, true));
        assert!(!again(3, true).goes_on(1, true) && !again(3, true).goes_on(3, false));
    }
}
