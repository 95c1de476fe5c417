//! Which expected line belongs to which line that came.

/// One step of an alignment; the numbers count lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aligned {
    /// They fit.
    Match {
        /// The expected line.
        expected: usize,
        /// The line that came.
        actual: usize,
    },
    /// Something else came in its place.
    Replaced {
        /// The expected line.
        expected: usize,
        /// The line that came.
        actual: usize,
    },
    /// Nothing came for it.
    Missing {
        /// The expected line.
        expected: usize,
    },
    /// It came unexpected.
    Extra {
        /// The line that came.
        actual: usize,
    },
    /// It came, and may come unasked for.
    Skipped,
}

/// What an alignment asks about its lines.
pub(super) trait Lines {
    /// How many lines are expected.
    fn expected_len(&self) -> usize;
    /// How many lines came.
    fn actual_len(&self) -> usize;
    /// Whether the two fit.
    fn fits(&self, expected: usize, actual: usize) -> bool;
    /// Whether an expected line stands for any number of lines.
    fn is_any(&self, expected: usize) -> bool;
    /// Whether a line that came may come without being expected.
    fn is_quiet(&self, actual: usize) -> bool;
}

/// Aligns the two lists with the least differences; of equal ways, lines that replace each other are preferred.
pub(super) fn align(lines: &impl Lines) -> Vec<Aligned> {
    let (rows, columns) = (lines.expected_len(), lines.actual_len());
    if rows.saturating_mul(columns) > MAX_CELLS {
        return by_index(lines);
    }
    trace(lines, &costs(lines))
}

/// `costs[e][a]` is the least cost of the differences between the expected lines from `e` and the lines that came from `a`.
fn costs(lines: &impl Lines) -> Vec<Vec<u32>> {
    let (rows, columns) = (lines.expected_len(), lines.actual_len());
    let mut costs = vec![vec![0; columns + 1]; rows + 1];
    for e in (0..=rows).rev() {
        for a in (0..=columns).rev() {
            let ways = ways(lines, e, a);
            costs[e][a] =
                ways.into_iter().flatten().map(|(cost, de, da, _)| cost + costs[e + de][a + da]).min().unwrap_or(0);
        }
    }
    costs
}

/// A way on from a pair of places: its cost, how far it goes in each list, and what it means.
type Way = (u32, usize, usize, Option<Aligned>);

/// All ways on, the preferred ones first.
fn ways(lines: &impl Lines, e: usize, a: usize) -> [Option<Way>; 4] {
    let (has_e, has_a) = (e < lines.expected_len(), a < lines.actual_len());
    if has_e && lines.is_any(e) {
        let swallow = has_a.then_some((0, 0, 1, Some(Aligned::Skipped)));
        return [Some((0, 1, 0, None)), swallow, None, None];
    }
    let pair = (has_e && has_a).then(|| {
        if lines.fits(e, a) {
            (0, 1, 1, Some(Aligned::Match { expected: e, actual: a }))
        } else {
            let cost = if lines.is_quiet(a) { REPLACED_BY_QUIET } else { REPLACED };
            (cost, 1, 1, Some(Aligned::Replaced { expected: e, actual: a }))
        }
    });
    let quiet = has_a && lines.is_quiet(a);
    let skip = (has_a && quiet).then_some((0, 0, 1, Some(Aligned::Skipped)));
    let extra = (has_a && !quiet).then_some((EXTRA, 0, 1, Some(Aligned::Extra { actual: a })));
    let missing = has_e.then_some((MISSING, 1, 0, Some(Aligned::Missing { expected: e })));
    [pair, skip, missing, extra]
}

fn trace(lines: &impl Lines, costs: &[Vec<u32>]) -> Vec<Aligned> {
    let (mut e, mut a) = (0, 0);
    let mut aligned = Vec::new();
    loop {
        let best = ways(lines, e, a)
            .into_iter()
            .flatten()
            .find(|(cost, de, da, _)| cost + costs[e + de][a + da] == costs[e][a]);
        let Some((_, de, da, step)) = best else { return aligned };
        aligned.extend(step);
        e += de;
        a += da;
    }
}

/// The fallback for very long lists: line by line.
fn by_index(lines: &impl Lines) -> Vec<Aligned> {
    let (rows, columns) = (lines.expected_len(), lines.actual_len());
    let at = |index: usize| match (index < rows, index < columns) {
        (true, true) if lines.fits(index, index) => Aligned::Match { expected: index, actual: index },
        (true, true) => Aligned::Replaced { expected: index, actual: index },
        (true, false) => Aligned::Missing { expected: index },
        _ => Aligned::Extra { actual: index },
    };
    (0..rows.max(columns)).map(at).collect()
}

/// What a difference costs. A quiet line is a poor replacement for another, yet better than none.
const REPLACED: u32 = 2;
const REPLACED_BY_QUIET: u32 = 3;
const EXTRA: u32 = 2;
const MISSING: u32 = 3;

/// Above this many comparisons the two lists are compared line by line.
pub(super) const MAX_CELLS: usize = 4_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    struct Words(Vec<&'static str>, Vec<&'static str>);

    impl Lines for Words {
        fn expected_len(&self) -> usize {
            self.0.len()
        }

        fn actual_len(&self) -> usize {
            self.1.len()
        }

        fn fits(&self, expected: usize, actual: usize) -> bool {
            self.0[expected] == self.1[actual]
        }

        fn is_any(&self, expected: usize) -> bool {
            self.0[expected] == "..."
        }

        fn is_quiet(&self, actual: usize) -> bool {
            self.1[actual] == "quiet"
        }
    }

    fn shown(expected: &[&'static str], actual: &[&'static str]) -> String {
        align(&Words(expected.to_vec(), actual.to_vec()))
            .into_iter()
            .map(|step| match step {
                Aligned::Match { .. } => '=',
                Aligned::Replaced { .. } => '!',
                Aligned::Missing { .. } => '-',
                Aligned::Extra { .. } => '+',
                Aligned::Skipped => '.',
            })
            .collect()
    }

    #[test]
    fn a_line_that_differs_is_replaced_and_the_rest_still_fits() {
        assert_eq!(shown(&["a", "b", "c"], &["a", "x", "c"]), "=!=");
        assert_eq!(shown(&["a", "b", "c"], &["a", "c"]), "=-=");
        assert_eq!(shown(&["a", "c"], &["a", "b", "c"]), "=+=");
        assert_eq!(shown(&[], &["a"]), "+");
        assert_eq!(shown(&["a"], &[]), "-");
    }

    #[test]
    fn dots_take_any_number_of_lines() {
        assert_eq!(shown(&["...", "c"], &["a", "b", "c"]), "..=");
        assert_eq!(shown(&["a", "..."], &["a"]), "=");
        assert_eq!(shown(&["..."], &[]), "");
    }

    #[test]
    fn quiet_lines_need_not_be_expected() {
        assert_eq!(shown(&["add"], &["quiet", "quiet", "add", "quiet"]), "..=.");
        assert_eq!(shown(&["quiet", "add"], &["quiet", "quiet", "add"]), "=.=");
        assert_eq!(shown(&["add"], &["quiet"]), "!");
        assert_eq!(shown(&["quiet"], &["add"]), "!");
    }
}
