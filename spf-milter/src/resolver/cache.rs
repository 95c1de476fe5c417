//! Answers kept for as long as their zones allow.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use spf::{AnswerKind, Question, Rdata};
use tokio::time::Instant;

use super::options::CacheLimits;
use super::response::Response;
use crate::metrics::DnsMetrics;

/// Answers by question, bounded in number and bytes.
///
/// There are two generations, each with half of the room. New answers, and old ones that are asked for again, go into the
/// young one; when that is full it becomes the old one, and what nobody has asked for since it was full the last time is
/// forgotten. So all steps are cheap, and a flood of names that nobody asks for twice does not push out those in use.
pub(super) struct Cache {
    limits: CacheLimits,
    generations: Mutex<[Generation; 2]>,
    metrics: Arc<DnsMetrics>,
}

#[derive(Default)]
struct Generation {
    answers: HashMap<Question, Kept>,
    bytes: usize,
}

struct Kept {
    kind: AnswerKind,
    until: Instant,
    bytes: usize,
}

impl Cache {
    /// Makes a cache with nothing in it.
    pub(super) fn new(limits: CacheLimits, metrics: Arc<DnsMetrics>) -> Self {
        Self { limits, generations: Mutex::default(), metrics }
    }

    /// What was answered, if it still holds.
    pub(super) fn get(&self, question: &Question, now: Instant) -> Option<AnswerKind> {
        let mut generations = self.lock();
        let [young, old] = &mut *generations;
        let found = match young.answers.get(question) {
            Some(kept) if kept.until > now => Some(kept.kind.clone()),
            Some(_) => {
                young.remove(question);
                None
            }
            None => match old.remove(question) {
                Some(kept) if kept.until > now => {
                    let kind = kept.kind.clone();
                    self.insert(&mut generations, question.clone(), kept);
                    Some(kind)
                }
                _ => None,
            },
        };
        self.count(&generations, found.is_some());
        found
    }

    /// Keeps an answer, if it may be kept.
    pub(super) fn put(&self, question: &Question, response: &Response, now: Instant) {
        let Some(ttl) = self.ttl(response).filter(|ttl| !ttl.is_zero()) else {
            return;
        };
        let bytes = bytes(question, &response.kind);
        // One answer must not push out all others.
        if bytes > self.limits.bytes / LARGE {
            return;
        }
        let kept = Kept { kind: response.kind.clone(), until: now + ttl, bytes };
        let mut generations = self.lock();
        generations[1].remove(question);
        self.insert(&mut generations, question.clone(), kept);
        self.sizes(&generations);
    }

    fn ttl(&self, response: &Response) -> Option<Duration> {
        let CacheLimits { ttl_min, ttl_max, negative_ttl_min, negative_ttl_max, .. } = self.limits;
        let within = |min: Duration, max: Duration| response.ttl.map(|ttl| ttl.max(min).min(max));
        match response.kind {
            AnswerKind::Records(_) => within(ttl_min, ttl_max),
            AnswerKind::NoData | AnswerKind::NxDomain => within(negative_ttl_min, negative_ttl_max),
            AnswerKind::Failed(_) => None,
        }
    }

    fn insert(&self, [young, old]: &mut [Generation; 2], question: Question, kept: Kept) {
        young.remove(&question);
        let is_full =
            young.answers.len() >= self.limits.entries / 2 || young.bytes + kept.bytes > self.limits.bytes / 2;
        if is_full {
            self.metrics.cache_evictions.add(old.answers.len() as u64);
            *old = std::mem::take(young);
        }
        if self.limits.entries / 2 > 0 {
            young.bytes += kept.bytes;
            young.answers.insert(question, kept);
        }
    }

    fn count(&self, generations: &[Generation; 2], found: bool) {
        if found { &self.metrics.cache_hits } else { &self.metrics.cache_misses }.inc();
        self.sizes(generations);
    }

    fn sizes(&self, [young, old]: &[Generation; 2]) {
        self.metrics.cache_entries.set((young.answers.len() + old.answers.len()) as u64);
        self.metrics.cache_bytes.set((young.bytes + old.bytes) as u64);
    }

    fn lock(&self) -> MutexGuard<'_, [Generation; 2]> {
        // Nothing in here panics half-way; an answer too many or too few is no harm anyway.
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generation {
    fn remove(&mut self, question: &Question) -> Option<Kept> {
        let kept = self.answers.remove(question)?;
        self.bytes -= kept.bytes;
        Some(kept)
    }
}

/// What it costs to keep an answer.
fn bytes(question: &Question, kind: &AnswerKind) -> usize {
    let name = |name: &spf::Name| name.labels().map(|label| label.len() + 1).sum::<usize>();
    let record = |record: &Rdata| {
        size_of::<Rdata>()
            + match record {
                Rdata::A(_) | Rdata::Aaaa(_) => 0,
                Rdata::Mx { exchange, .. } => ALLOCATION + name(exchange),
                Rdata::Ptr(target) => ALLOCATION + name(target),
                Rdata::Txt(text) => ALLOCATION + text.len(),
            }
    };
    let records = match kind {
        AnswerKind::Records(records) => ALLOCATION + records.iter().map(record).sum::<usize>(),
        _ => 0,
    };
    // A hash table is half empty at the worst.
    2 * size_of::<(Question, Kept)>() + ALLOCATION + name(&question.name) + records
}

/// Two reference counts, and what the allocator needs.
const ALLOCATION: usize = 32;

/// The part of the room that one answer may take at most.
const LARGE: usize = 16;

#[cfg(test)]
mod tests {
    use spf::{Failure, Name, RecordType};

    use super::*;

    fn cache(change: impl FnOnce(&mut CacheLimits)) -> Cache {
        let mut limits = CacheLimits::default();
        change(&mut limits);
        Cache::new(limits, Arc::default())
    }

    fn question(name: &str) -> Question {
        Question::new(Name::parse(name).unwrap(), RecordType::Txt)
    }

    fn text(bytes: usize) -> AnswerKind {
        AnswerKind::Records(vec![Rdata::txt([vec![b'x'; bytes]])].into())
    }

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_kept_as_long_as_its_ttl_and_its_bounds_say() {
        let limits = |limits: &mut CacheLimits| {
            (limits.ttl_min, limits.ttl_max) = (secs(10), secs(100));
            (limits.negative_ttl_min, limits.negative_ttl_max) = (secs(5), secs(50));
        };
        let failed = AnswerKind::Failed(Failure::Servfail);
        let table = [
            ("records, 60 s", text(9), Some(60)),
            ("records, 1 s", text(9), Some(1)),
            ("records, 1000 s", text(9), Some(1_000)),
            ("records, 0 s", text(9), Some(0)),
            ("no data, 20 s", AnswerKind::NoData, Some(20)),
            ("no such name, 0 s", AnswerKind::NxDomain, Some(0)),
            ("no such name, 1000 s", AnswerKind::NxDomain, Some(1_000)),
            ("no such name, no SOA", AnswerKind::NxDomain, None),
            ("SERVFAIL, 60 s", failed, Some(60)),
        ];
        let mut lines = Vec::new();
        for (label, kind, ttl) in table {
            let (cache, now) = (cache(limits), Instant::now());
            cache.put(&question("a.example"), &Response::said(kind, ttl.map(secs)), now);
            let lasts = (0..2_000).take_while(|after| cache.get(&question("A.Example"), now + secs(*after)).is_some());
            lines.push(format!("{label:22}{} s", lasts.count()));
        }
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_ttl_of_zero_is_not_kept_by_default() {
        let (cache, now) = (cache(|_| {}), Instant::now());
        cache.put(&question("a.example"), &Response::said(text(9), Some(Duration::ZERO)), now);
        assert_eq!(cache.get(&question("a.example"), now), None);
    }

    #[tokio::test(start_paused = true)]
    async fn neither_entries_nor_bytes_grow_beyond_their_bounds() {
        let now = Instant::now();
        for (entries, bytes, size) in [(100, 1_000_000, 10), (100_000, 50_000, 400), (1, 50_000, 1), (0, 50_000, 1)] {
            let cache = cache(|limits| (limits.entries, limits.bytes) = (entries, bytes));
            for index in 0..1_000 {
                cache.put(&question(&format!("n{index}.example")), &Response::said(text(size), Some(secs(60))), now);
                let (kept, held) = (cache.metrics.cache_entries.get(), cache.metrics.cache_bytes.get());
                assert!(kept <= entries as u64 && held <= bytes as u64, "{kept} entries, {held} bytes");
            }
            let evicted = cache.metrics.cache_evictions.get() + cache.metrics.cache_entries.get();
            assert_eq!(evicted, if entries < 2 { 0 } else { 1_000 });
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_asked_for_again_outlives_a_flood() {
        let (cache, now) = (cache(|limits| limits.entries = 20), Instant::now());
        let put = |name: &str| cache.put(&question(name), &Response::said(text(1), Some(secs(60))), now);
        put("used.example");
        put("unused.example");
        for index in 0..100 {
            put(&format!("flood{index}.example"));
            assert!(cache.get(&question("used.example"), now).is_some(), "{index}");
        }
        assert!(cache.get(&question("unused.example"), now).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_would_fill_the_cache_is_not_kept() {
        let (cache, now) = (cache(|limits| limits.bytes = 64_000), Instant::now());
        for (size, kept) in [(60_000, false), (4_000, false), (3_000, true)] {
            cache.put(&question("a.example"), &Response::said(text(size), Some(secs(60))), now);
            assert_eq!(cache.get(&question("a.example"), now).is_some(), kept, "{size} bytes");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_answer_takes_the_place_of_the_one_before() {
        let (cache, now) = (cache(|_| {}), Instant::now());
        for size in [1, 2, 1] {
            cache.put(&question("a.example"), &Response::said(text(size), Some(secs(60))), now);
            assert_eq!(cache.get(&question("a.example"), now), Some(text(size)));
        }
        assert_eq!(cache.metrics.cache_entries.get(), 1);
        assert_eq!(cache.metrics.cache_bytes.get(), bytes(&question("a.example"), &text(1)) as u64);
    }
}
