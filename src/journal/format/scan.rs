//! A fast parser for lines in the form that this program usually writes: the same keys in the same order, no spaces,
//! and strings without escapes. It accepts no line that serde would reject, and returns the same values. All other
//! lines are left to serde.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use memchr::memchr;

use crate::api::PredictionId;
use crate::job::{Cents, ContentHash, Fingerprint, JobIdRef};

use super::fields::SavedFile;
use super::record::{EditKey, LineError, Record, RunEvent, Step};
use super::state::EditState;
use super::summary::CompactedEdit;

/// Parses lines about edits.
#[derive(Debug, Default)]
pub(in crate::journal) struct Scanner {
    at: Clock,
    submitted_at: Clock,
    finished_at: Clock,
}

/// Parses times. It remembers the last minute, because most times are in the same minute as the previous one.
#[derive(Debug, Default)]
struct Clock {
    minute: Option<([u8; MINUTE], i64)>,
}

/// The length of a time such as `2026-11-23T20:00`.
const MINUTE: usize = 16;

/// The versions of common lines, as digits. Lines of version 5 have the path for polling a prediction, which none
/// of these has.
const SCANNED_VERSIONS: RangeInclusive<u8> = b'1'..=b'4';

/// The content of a line, without its time.
#[derive(Debug)]
pub(in crate::journal) enum ScannedLine<'l> {
    Run(RunEvent),
    Edit(EditLine<'l>),
}

/// A line about an edit. It borrows the job's id, because most lines are about a known job.
#[derive(Debug)]
pub(in crate::journal) struct EditLine<'l> {
    pub(in crate::journal) job: JobIdRef<'l>,
    pub(in crate::journal) fingerprint: Fingerprint,
    pub(in crate::journal) step: Step,
}

impl Scanner {
    /// Parses any line.
    pub(in crate::journal) fn read<'l>(&mut self, line: &'l [u8]) -> Result<(Timestamp, ScannedLine<'l>), LineError> {
        if let Some((at, edit)) = self.scan(line) {
            return Ok((at, ScannedLine::Edit(edit)));
        }
        let (at, record) = Record::from_line(line)?;
        Ok(match record {
            Record::Run(event) => (at, ScannedLine::Run(event)),
            Record::Edit(EditKey { job, fingerprint }, step) => {
                (at, ScannedLine::Edit(EditLine { job: job.into(), fingerprint, step }))
            }
        })
    }

    /// Parses a line about an edit; `None` if its form is uncommon.
    fn scan<'l>(&mut self, line: &'l [u8]) -> Option<(Timestamp, EditLine<'l>)> {
        let mut rest = Cursor(line);
        rest.expect(br#"{"v":"#)?;
        let [version] = rest.exactly()?;
        if !SCANNED_VERSIONS.contains(version) {
            return None;
        }
        rest.expect(br#","at":""#)?;
        let at = self.at.time(&mut rest)?;
        rest.expect(br#","job":""#)?;
        // No id has a quote, an escape or a control character.
        let job = JobIdRef::new(std::str::from_utf8(rest.quoted()?).ok()?).ok()?;
        rest.expect(br#","fingerprint":""#)?;
        let fingerprint = Fingerprint::from_hex(rest.exactly::<32>()?).ok()?;
        rest.expect(br#"","type":""#)?;
        let step = self.step(&mut rest)?;
        rest.is_at(b"}").then_some((at, EditLine { job, fingerprint, step }))
    }

    /// Parses a step, starting at its type.
    fn step(&mut self, rest: &mut Cursor<'_>) -> Option<Step> {
        if rest.take(br#"intent","attempt":"#) {
            let attempt = rest.number()?.try_into().ok()?;
            let reserved_cents = Cents(rest.after(br#","reserved_cents":"#)?.number()?);
            return Some(Step::Intent { attempt, reserved_cents, reroll: None });
        }
        if rest.take(br#"accepted","prediction":""#) {
            let prediction = PredictionId::new(rest.text()?).ok()?;
            let cost_cents = Cents(rest.after(br#","cost_cents":"#)?.number()?);
            return Some(Step::Accepted { prediction, cost_cents, status_path: None });
        }
        if rest.take(br#"generated","outputs":"#) {
            return Some(Step::Generated { outputs: rest.number()?.try_into().ok()? });
        }
        if rest.take(br#"fetched","files":["#) {
            return Some(Step::Fetched { files: rest.files()? });
        }
        if rest.take(br#"completed""#) {
            return Some(Step::Completed);
        }
        rest.expect(br#"summary","state":"completed","files":["#)?;
        Some(Step::Summary(Box::new(self.summary(rest)?)))
    }

    /// Parses the summary of an edit that succeeded with its first submit, starting at its list of pictures.
    fn summary(&mut self, rest: &mut Cursor<'_>) -> Option<CompactedEdit> {
        Some(CompactedEdit {
            state: EditState::Completed { files: rest.files()? },
            shown: rest.take(br#","shown":true"#),
            attempts: rest.after(br#","attempts":"#)?.number()?.try_into().ok()?,
            prediction: match rest.after(br#","prediction":""#) {
                Some(rest) => Some(PredictionId::new(rest.text()?).ok()?),
                None => None,
            },
            status_path: None,
            earlier: Vec::new(),
            spent: Cents(rest.after(br#","spent_cents":"#)?.number()?),
            reserved_for_uncertain: Cents::ZERO,
            uncertain_submits: 0,
            settlement: None,
            submitted_at: match rest.after(br#","submitted_at":""#) {
                Some(rest) => Some(self.submitted_at.time(rest)?),
                None => None,
            },
            finished_at: match rest.after(br#","finished_at":""#) {
                Some(rest) => Some(self.finished_at.time(rest)?),
                None => None,
            },
            problem: None,
            removed: Vec::new(),
            reroll: None,
            checked: None,
            corrected: None,
        })
    }
}

impl Clock {
    /// Parses a time such as `2026-11-23T20:00:00.123Z` and its closing quote.
    fn time(&mut self, rest: &mut Cursor<'_>) -> Option<Timestamp> {
        let minute = rest.exactly::<MINUTE>()?;
        let digit = |byte: u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
        let &[b':', ten, one] = rest.exactly::<3>()? else { return None };
        let second = digit(ten)? * 10 + digit(one)?;
        let mut milliseconds = 0;
        if rest.take(b".") {
            let mut unit = 100;
            // One to three digits are common.
            while unit > 0
                && let [byte, rest_of_digits @ ..] = rest.0
                && let Some(digit) = digit(*byte)
            {
                rest.0 = rest_of_digits;
                milliseconds += digit * unit;
                unit /= 10;
            }
            if unit == 100 {
                return None;
            }
        }
        rest.expect(b"Z\"")?;
        // Leap seconds and unusual separators are left to the general parser.
        if second > 59 || minute[10] != b'T' {
            return None;
        }
        let minute_start = match self.minute {
            Some((same, minute_start)) if same == *minute => minute_start,
            _ => {
                let whole: Timestamp = format!("{}:00Z", std::str::from_utf8(minute).ok()?).parse().ok()?;
                self.minute = Some((*minute, whole.as_millisecond()));
                whole.as_millisecond()
            }
        };
        Timestamp::from_millisecond(minute_start + second * 1000 + milliseconds).ok()
    }
}

/// The unparsed rest of a line.
struct Cursor<'l>(&'l [u8]);

/// Literals are arrays, so that comparing with one takes a few instructions and no loop.
impl<'l> Cursor<'l> {
    fn take<const N: usize>(&mut self, literal: &[u8; N]) -> bool {
        match self.0.split_first_chunk::<N>() {
            Some((first, rest)) if first == literal => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn expect<const N: usize>(&mut self, literal: &[u8; N]) -> Option<()> {
        self.take(literal).then_some(())
    }

    fn after<const N: usize>(&mut self, literal: &[u8; N]) -> Option<&mut Cursor<'l>> {
        self.take(literal).then_some(self)
    }

    /// Reads `N` bytes.
    fn exactly<const N: usize>(&mut self) -> Option<&'l [u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(first)
    }

    fn is_at(&self, literal: &[u8]) -> bool {
        self.0 == literal
    }

    /// Reads up to the next quote, and consumes the quote. It also stops at an escaped quote: callers reject
    /// backslashes.
    fn quoted(&mut self) -> Option<&'l [u8]> {
        let (quoted, rest) = self.0.split_at_checked(memchr(b'"', self.0)?)?;
        self.0 = rest.get(1..)?;
        Some(quoted)
    }

    /// Reads a string without escapes and its closing quote.
    fn text(&mut self) -> Option<&'l str> {
        let quoted = self.quoted()?;
        let is_plain = quoted.iter().fold(true, |is_plain, byte| is_plain & !matches!(byte, b'\\' | 0..0x20));
        if is_plain { std::str::from_utf8(quoted).ok() } else { None }
    }

    /// Reads an integer without leading zeros and with at most nineteen digits, which always fits a `u64`.
    fn number(&mut self) -> Option<u64> {
        let length = self.0.iter().position(|byte| !byte.is_ascii_digit())?;
        let (digits, rest) = self.0.split_at(length);
        if !(1..=19).contains(&length) || (length > 1 && digits[0] == b'0') {
            return None;
        }
        self.0 = rest;
        Some(digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
    }

    /// Reads the items of a list and its closing bracket.
    fn files(&mut self) -> Option<Vec<SavedFile>> {
        let mut files = Vec::with_capacity(1);
        while !self.take(b"]") {
            if !files.is_empty() {
                self.expect(b",")?;
            }
            files.push(SavedFile {
                name: self.after(br#"{"name":""#)?.text()?.to_owned(),
                bytes: self.after(br#","bytes":"#)?.number()?,
                blake3: ContentHash::from_hex(self.after(br#","blake3":""#)?.exactly::<64>()?).ok()?,
                width: self.after(br#"","width":"#)?.number()?.try_into().ok()?,
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

    use super::super::record::tests::one_of_each;
    use super::*;

    fn scanned(line: &[u8]) -> Option<(Timestamp, Record)> {
        let (at, EditLine { job, fingerprint, step }) = Scanner::default().scan(line)?;
        Some((at, Record::Edit(EditKey { job: job.to_id(), fingerprint }, step)))
    }

    #[test]
    fn the_lines_of_an_ordinary_job_are_scanned() {
        let usual = one_of_each().into_iter().filter_map(|record| {
            let line = record.to_line(Timestamp::from_millisecond(1_764_081_000_120).unwrap()).unwrap();
            let read = scanned(line.trim_ascii_end())?.1;
            assert_eq!(read, record);
            match read {
                Record::Edit(_, step) => Some(step.name()),
                Record::Run(_) => None,
            }
        });
        assert_eq!(usual.collect::<Vec<_>>(), ["intent", "accepted", "generated", "fetched", "completed", "summary"]);
    }

    #[test]
    fn similar_looking_forms_are_left_to_serde() {
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
        /// For every modification of a line, the scanner parses it like serde, or leaves it to serde.
        #[test]
        fn the_scanner_and_serde_agree_on_every_line(
            kind in any::<prop::sample::Index>(), milliseconds in 0..4_000_000_000_000_i64,
            changes in prop::collection::vec((any::<prop::sample::Index>(), 0..3u8, any::<prop::sample::Index>()), 0..3),
        ) {
            const BYTES: &[u8] = b"\"\\{}[],:.0123456789abefTZ -+\x00\n\x7f\xc3\xa4/u";
            let records = one_of_each();
            let mut line = kind.get(&records).to_line(Timestamp::from_millisecond(milliseconds).unwrap()).unwrap();
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
