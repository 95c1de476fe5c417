//! Queue ids in the form of each MTA.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use crate::clock::Clock;

/// Makes the queue ids of one MTA process, each different from those before it, and from those of others with the same serial.
#[derive(Debug)]
pub(crate) struct QueueIds {
    clock: Clock,
    process: u32,
    /// How many were given, maybe by several processes.
    serial: Arc<AtomicU32>,
    /// The id to give first.
    first: Option<String>,
}

impl QueueIds {
    /// The ids of the MTA process of that number; `first` is given before any is made.
    pub(crate) fn new(clock: Clock, process: u32, first: Option<String>, serial: Arc<AtomicU32>) -> Self {
        Self { clock, process, serial, first }
    }

    /// Six characters for the moment, two that count up, and the process id: `i71C000a004242`.
    pub(crate) fn sendmail(&mut self) -> String {
        if let Some(first) = self.first.take() {
            return first;
        }
        let now = self.clock.now();
        let year = usize::try_from(now.year()).unwrap_or(0);
        let moment = [
            (year + 60 * 60 - 1900) % 60,
            usize::from(u8::from(now.month())) - 1,
            usize::from(now.day()),
            usize::from(now.hour()),
            usize::from(now.minute()),
            usize::from(now.second()) % 60,
        ];
        let serial = self.serial();
        // Beyond what two characters hold it is another process.
        let process = self.process.wrapping_add(serial / 3600);
        let serial = usize::try_from(serial).unwrap_or(0);
        let mut id: String = moment.iter().map(|&value| base60(value)).collect();
        id.extend([base60(serial / 60 % 60), base60(serial % 60)]);
        format!("{id}{:06}", process % 1_000_000)
    }

    /// Five digits of microseconds and six of the inode, all upper-case hex: `4F1B29B44D3`.
    pub(crate) fn postfix(&mut self) -> String {
        if let Some(first) = self.first.take() {
            return first;
        }
        let serial = self.serial();
        let micros = match self.clock {
            Clock::System => self.clock.micros(),
            // Time stands still: the ids shall differ all the same.
            Clock::Fixed(_) => serial.wrapping_mul(7_919).wrapping_add(0x4_0000) % 0xF_4240,
        };
        let inode = (0x9B_0000 + (self.process & 0xFFFF)).wrapping_add(serial) & 0xFF_FFFF;
        format!("{micros:05X}{inode:06X}")
    }

    fn serial(&mut self) -> u32 {
        self.serial.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }
}

fn base60(value: usize) -> char {
    const DIGITS: &[u8; 60] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx";
    char::from(DIGITS[value % 60])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_shape_of_each_mta() {
        let mut ids = QueueIds::new(Clock::Fixed(1_795_355_131), 6749, None, Arc::default());
        assert_eq!(ids.sendmail(), "6AMDjV01006749");
        let postfix = ids.postfix();
        assert!(postfix.len() == 11 && postfix.bytes().all(|byte| byte.is_ascii_hexdigit()), "{postfix}");
    }

    #[test]
    fn no_id_is_given_twice() {
        let mut ids = QueueIds::new(Clock::default(), 1, None, Arc::default());
        let made: std::collections::BTreeSet<String> = (0..2000).map(|_| ids.sendmail()).collect();
        assert_eq!(made.len(), 2000);
        let made: std::collections::BTreeSet<String> = (0..2000).map(|_| ids.postfix()).collect();
        assert_eq!(made.len(), 2000);
    }

    #[test]
    fn sessions_with_one_serial_never_give_the_same_id() {
        let serial = Arc::<AtomicU32>::default();
        let mut sessions: Vec<QueueIds> =
            (0..300).map(|_| QueueIds::new(Clock::System, u32::MAX, None, Arc::clone(&serial))).collect();
        let mut made = std::collections::BTreeSet::new();
        for _ in 0..20 {
            made.extend(sessions.iter_mut().flat_map(|ids| [ids.sendmail(), ids.postfix()]));
        }
        assert_eq!(made.len(), 300 * 20 * 2);
    }

    #[test]
    fn counting_goes_on_for_ever() {
        let mut ids = QueueIds::new(Clock::default(), u32::MAX, None, Arc::new(AtomicU32::new(u32::MAX - 2)));
        let made: std::collections::BTreeSet<String> = (0..8).map(|_| ids.postfix()).collect();
        assert_eq!(made.len(), 8);
    }
}
