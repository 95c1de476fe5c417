//! Queue ids in the form of each MTA.

use crate::clock::Clock;

/// Makes the queue ids of one MTA process, each different from those before it.
#[derive(Debug, Clone)]
pub(crate) struct QueueIds {
    clock: Clock,
    process: u32,
    next: u32,
    /// The id to give first.
    first: Option<String>,
}

impl QueueIds {
    /// The ids of the MTA process of that number; `first` is given before any is made.
    pub(crate) fn new(clock: Clock, process: u32, first: Option<String>) -> Self {
        Self { clock, process, next: 0, first }
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
        let serial = usize::try_from(self.serial()).unwrap_or(0);
        let mut id: String = moment.iter().map(|&value| base60(value)).collect();
        id.extend([base60(serial / 60 % 60), base60(serial % 60)]);
        format!("{id}{:06}", self.process % 1_000_000)
    }

    /// Five digits of microseconds and six of the inode, all upper-case hex: `4F1B29B44D3`.
    pub(crate) fn postfix(&mut self) -> String {
        if let Some(first) = self.first.take() {
            return first;
        }
        let serial = self.serial();
        format!("{:05X}9B{:04X}", (serial.wrapping_mul(7_919) + 0x4_0000) % 0xF_4240, (self.process + serial) & 0xFFFF)
    }

    fn serial(&mut self) -> u32 {
        self.next = self.next.wrapping_add(1);
        self.next
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
        let mut ids = QueueIds::new(Clock::Fixed(1_795_355_131), 6749, None);
        assert_eq!(ids.sendmail(), "6AMDjV01006749");
        let postfix = ids.postfix();
        assert!(postfix.len() == 11 && postfix.bytes().all(|byte| byte.is_ascii_hexdigit()), "{postfix}");
    }

    #[test]
    fn no_id_is_given_twice() {
        let mut ids = QueueIds::new(Clock::default(), 1, None);
        let made: std::collections::BTreeSet<String> = (0..2000).map(|_| ids.sendmail()).collect();
        assert_eq!(made.len(), 2000);
        let made: std::collections::BTreeSet<String> = (0..2000).map(|_| ids.postfix()).collect();
        assert_eq!(made.len(), 2000);
    }
}
