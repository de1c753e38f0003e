//! A fast reader for the usual lines, as this program writes them: the same keys in the same order, no spaces, and texts
//! without escapes. It takes no line that the general reader would not take, and reads in it what that would read; for
//! all others it gives up, and the general reader has its say.

use jiff::Timestamp;

use crate::api::PredictionId;
use crate::job::{Cents, JobId};

use super::record::LineError;
use super::{EditKey, Record, SavedFile, Step};

/// Reads lines about edits. It remembers the last minute, for most lines are in the same one as those before them.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    minute: Option<([u8; MINUTE], i64)>,
}

/// The length of a time such as `2026-11-23T20:00`.
const MINUTE: usize = 16;

impl Scanner {
    /// Reads any line. `known` gives the id of a job that was seen before, so that it need not be checked and copied
    /// again.
    pub(super) fn read(
        &mut self,
        line: &[u8],
        known: impl FnOnce(&str) -> Option<JobId>,
    ) -> Result<(Timestamp, Record), LineError> {
        match self.scan(line, known) {
            Some((at, key, step)) => Ok((at, Record::Edit(key, step))),
            None => Record::from_line(line),
        }
    }

    /// Reads a line about an edit; nothing where it is unusual.
    fn scan(&mut self, line: &[u8], known: impl FnOnce(&str) -> Option<JobId>) -> Option<(Timestamp, EditKey, Step)> {
        let mut rest = Rest(line);
        if !rest.take(br#"{"v":1,"at":""#) {
            rest.expect(br#"{"v":2,"at":""#)?;
        }
        let at = self.time(rest.text()?)?;
        rest.expect(br#","job":""#)?;
        let job = rest.text()?;
        rest.expect(br#","fingerprint":""#)?;
        let fingerprint = rest.text()?.parse().ok()?;
        rest.expect(br#","type":""#)?;
        let step = match rest.text()? {
            "intent" => Step::Intent {
                attempt: rest.after(br#","attempt":"#)?.number()?.try_into().ok()?,
                reserved_cents: Cents(rest.after(br#","reserved_cents":"#)?.number()?),
                reroll: None,
            },
            "accepted" => Step::Accepted {
                prediction: PredictionId::new(rest.after(br#","prediction":""#)?.text()?).ok()?,
                cost_cents: Cents(rest.after(br#","cost_cents":"#)?.number()?),
            },
            "generated" => Step::Generated { outputs: rest.after(br#","outputs":"#)?.number()?.try_into().ok()? },
            "fetched" => Step::Fetched { files: rest.files()? },
            "completed" => Step::Completed,
            _ => return None,
        };
        if rest.0 != b"}" {
            return None;
        }
        let job = known(job).or_else(|| JobId::new(job).ok())?;
        Some((at, EditKey { job, fingerprint }, step))
    }

    /// A time such as `2026-11-23T20:00:00.123Z`.
    fn time(&mut self, text: &str) -> Option<Timestamp> {
        let (minute, rest) = text.as_bytes().split_first_chunk::<MINUTE>()?;
        let digit = |byte: u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
        let (&[b':', ten, one], rest) = rest.split_first_chunk::<3>()? else { return None };
        let second = digit(ten)? * 10 + digit(one)?;
        let milliseconds = match *rest {
            [b'Z'] => 0,
            [b'.', a, b'Z'] => digit(a)? * 100,
            [b'.', a, b, b'Z'] => digit(a)? * 100 + digit(b)? * 10,
            [b'.', a, b, c, b'Z'] => digit(a)? * 100 + digit(b)? * 10 + digit(c)?,
            _ => return None,
        };
        // A leap second is left to the general reader, and so are dates that only look alike.
        if second > 59 || minute[10] != b'T' {
            return None;
        }
        let began = match self.minute {
            Some((same, began)) if same == *minute => began,
            _ => {
                let whole: Timestamp = format!("{}:00Z", text.get(..MINUTE)?).parse().ok()?;
                self.minute = Some((*minute, whole.as_millisecond()));
                whole.as_millisecond()
            }
        };
        Timestamp::from_millisecond(began + second * 1000 + milliseconds).ok()
    }
}

/// What is left of a line.
struct Rest<'l>(&'l [u8]);

impl<'l> Rest<'l> {
    fn take(&mut self, literal: &[u8]) -> bool {
        let rest = self.0.strip_prefix(literal);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn expect(&mut self, literal: &[u8]) -> Option<()> {
        self.take(literal).then_some(())
    }

    fn after(&mut self, literal: &[u8]) -> Option<&mut Rest<'l>> {
        self.take(literal).then_some(self)
    }

    /// A text without escapes, whose opening quote is behind us, and its closing quote.
    fn text(&mut self) -> Option<&'l str> {
        let end = self.0.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
        let (text, rest) = self.0.split_at(end);
        self.0 = rest.strip_prefix(b"\"")?;
        std::str::from_utf8(text).ok()
    }

    /// A whole number without a needless zero, of at most nineteen digits, which any u64 has room for.
    fn number(&mut self) -> Option<u64> {
        let length = self.0.iter().position(|byte| !byte.is_ascii_digit())?;
        let (digits, rest) = self.0.split_at(length);
        if !(1..=19).contains(&length) || (length > 1 && digits[0] == b'0') {
            return None;
        }
        self.0 = rest;
        Some(digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
    }

    fn files(&mut self) -> Option<Vec<SavedFile>> {
        self.expect(br#","files":["#)?;
        let mut files = Vec::with_capacity(1);
        while !self.take(b"]") {
            if !files.is_empty() {
                self.expect(b",")?;
            }
            files.push(SavedFile {
                name: self.after(br#"{"name":""#)?.text()?.to_owned(),
                bytes: self.after(br#","bytes":"#)?.number()?,
                blake3: self.after(br#","blake3":""#)?.text()?.parse().ok()?,
                width: self.after(br#","width":"#)?.number()?.try_into().ok()?,
                height: self.after(br#","height":"#)?.number()?.try_into().ok()?,
            });
            self.expect(b"}")?;
        }
        Some(files)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::journal::edit::step_name;
    use crate::journal::record::tests::one_of_each;

    fn scanned(line: &[u8]) -> Option<(Timestamp, Record)> {
        let (at, key, step) = Scanner::default().scan(line, |_| None)?;
        Some((at, Record::Edit(key, step)))
    }

    #[test]
    fn the_lines_that_every_job_leaves_are_usual() {
        let usual = one_of_each().into_iter().filter_map(|record| {
            let line = record.to_line(Timestamp::from_millisecond(1_764_081_000_120).unwrap());
            let read = scanned(line.trim_ascii_end())?.1;
            assert_eq!(read, record);
            match read {
                Record::Edit(_, step) => Some(step_name(&step)),
                Record::Run(_) => None,
            }
        });
        assert_eq!(usual.collect::<Vec<_>>(), ["intent", "accepted", "generated", "fetched", "completed"]);
    }

    #[test]
    fn forms_that_only_look_alike_are_left_to_the_general_reader() {
        let line = |at: &str, number: &str| {
            let key = r#""job":"a","fingerprint":"000102030405060708090a0b0c0d0e0f""#;
            format!(r#"{{"v":1,"at":"{at}",{key},"type":"generated","outputs":{number}}}"#)
        };
        let at = "2026-11-23T20:00:00.5Z";
        assert!(scanned(line(at, "1").as_bytes()).is_some());
        for at in ["2026-11-23 20:00:00Z", "2026-11-23T20:00:60Z", "2026-13-23T20:00:00Z", "2026-11-23T20:00:00.1234Z"]
        {
            assert_eq!(scanned(line(at, "1").as_bytes()), None, "{at}");
        }
        for number in ["01", "1.0", "1e0", "-1", "", "99999999999999999999", " 1"] {
            assert_eq!(scanned(line(at, number).as_bytes()), None, "{number}");
        }
    }

    proptest! {
        /// Whatever is done to a line, it is read as the general reader reads it, or left to that.
        #[test]
        fn what_is_scanned_is_what_the_general_reader_reads(
            kind in any::<prop::sample::Index>(), milliseconds in 0..4_000_000_000_000_i64,
            changes in prop::collection::vec((any::<prop::sample::Index>(), 0..3u8, any::<prop::sample::Index>()), 0..3),
        ) {
            const BYTES: &[u8] = b"\"\\{}[],:.0123456789abefTZ -+\x00\n\x7f\xc3\xa4/u";
            let records = one_of_each();
            let mut line = kind.get(&records).to_line(Timestamp::from_millisecond(milliseconds).unwrap());
            line.pop();
            for (place, change, byte) in changes {
                let (place, byte) = (place.index(line.len()), *byte.get(BYTES));
                match change {
                    0 => line[place] = byte,
                    1 => line.insert(place, byte),
                    _ => drop(line.remove(place)),
                }
            }
            if let Some(read) = scanned(&line) {
                prop_assert_eq!(Record::from_line(&line).ok(), Some(read));
            }
        }
    }
}
