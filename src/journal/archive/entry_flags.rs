use serde::{Deserialize, Serialize};

use crate::color::{Hex, Tolerance, Verdict};
use crate::journal::edits::ColorBrief;

/// Two bytes of an archived edit: two flags, the picture's extension, and the last check of its color.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::journal) struct EntryFlags(u16);

/// The distinct targets that colors were compared with. The first 126 have a number. Others are read from the journal
/// again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::journal) struct ColorTargets(Vec<(Vec<Hex>, Tolerance)>);

/// Bits 0 and 1 are flags, 2 to 4 the extension, 5 and 6 the verdict, 7 and 8 the result of the color lock, and the
/// seven bits above the number of the target: 0 if no color was checked.
impl EntryFlags {
    pub(in crate::journal) const HAS_PREDICTION: u16 = 1;
    pub(in crate::journal) const IS_SHOWN: u16 = 1 << 1;
    const EXTENSION: u16 = 2;
    const VERDICT: u16 = 5;
    const IS_CORRECTED: u16 = 1 << 7;
    const IS_LEFT: u16 = 1 << 8;
    const TARGET: u16 = 9;

    pub(in crate::journal) fn to_bytes(self) -> [u8; 2] {
        self.0.to_le_bytes()
    }

    pub(in crate::journal) fn from_bytes(bytes: [u8; 2]) -> EntryFlags {
        EntryFlags(u16::from_le_bytes(bytes))
    }

    pub(in crate::journal) fn has(self, flag: u16) -> bool {
        self.0 & flag != 0
    }

    pub(in crate::journal) fn set(&mut self, flag: u16, is_set: bool) {
        self.0 |= if is_set { flag } else { 0 };
    }

    /// Returns one more than the index of the extension; 0 if there is no picture.
    pub(in crate::journal) fn extension(self) -> u16 {
        self.0 >> EntryFlags::EXTENSION & 7
    }

    pub(in crate::journal) fn set_extension(&mut self, extension: u16) {
        self.0 |= (extension & 7) << EntryFlags::EXTENSION;
    }

    pub(in crate::journal) fn color(self, color_targets: &ColorTargets) -> Option<ColorBrief<'_>> {
        let number = self.0 >> EntryFlags::TARGET;
        (number != 0).then(|| ColorBrief {
            against: color_targets.0.get(usize::from(number) - 1).map(|(colors, tolerance)| (&colors[..], *tolerance)),
            verdict: match self.0 >> EntryFlags::VERDICT & 3 {
                0 => Verdict::On,
                1 => Verdict::Near,
                2 => Verdict::Off,
                _ => Verdict::Unmeasurable,
            },
            is_corrected: self.has(EntryFlags::IS_CORRECTED),
            is_left: self.has(EntryFlags::IS_LEFT),
        })
    }

    pub(in crate::journal) fn set_color(&mut self, color: &ColorBrief<'_>, color_targets: &mut ColorTargets) {
        let verdict = match color.verdict {
            Verdict::On => 0,
            Verdict::Near => 1,
            Verdict::Off => 2,
            Verdict::Unmeasurable => 3,
        };
        self.0 |= verdict << EntryFlags::VERDICT | color_targets.number(color.against) << EntryFlags::TARGET;
        self.set(EntryFlags::IS_CORRECTED, color.is_corrected);
        self.set(EntryFlags::IS_LEFT, color.is_left);
    }

    /// Returns the flags with the target instead of its number, which depends on the order of reading.
    pub(in crate::journal) fn comparable(self, color_targets: &ColorTargets) -> impl PartialEq {
        (self.0 & ((1 << EntryFlags::TARGET) - 1), self.color(color_targets).and_then(|color| color.against))
    }
}

impl ColorTargets {
    /// The maximum number of numbered targets. The next number stands for all others.
    const MAX_NUMBERED: usize = 126;

    /// Returns the number of a target, from 1.
    fn number(&mut self, target: Option<(&[Hex], Tolerance)>) -> u16 {
        let Some((colors, tolerance)) = target else { return ColorTargets::MAX_NUMBERED as u16 + 1 };
        let known = self.0.iter().position(|(known, within)| known == colors && *within == tolerance);
        let target_index = known.unwrap_or_else(|| {
            if self.0.len() < ColorTargets::MAX_NUMBERED {
                self.0.push((colors.to_vec(), tolerance));
                return self.0.len() - 1;
            }
            ColorTargets::MAX_NUMBERED
        });
        target_index as u16 + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_round_trip_and_rare_targets_are_left_to_the_journal() {
        let mut color_targets = ColorTargets::default();
        let tolerance = Tolerance::default();
        for number in 0..200u8 {
            let colors = [Hex([number, 0, 0])];
            let color = ColorBrief {
                against: Some((&colors, tolerance)),
                verdict: Verdict::Off,
                is_corrected: number % 2 == 0,
                is_left: number % 3 == 0,
            };
            let mut flags = EntryFlags::default();
            flags.set(EntryFlags::IS_SHOWN, true);
            flags.set_extension(4);
            flags.set_color(&color, &mut color_targets);
            let against = color.against.filter(|_| usize::from(number) < ColorTargets::MAX_NUMBERED);
            assert_eq!(flags.color(&color_targets), Some(ColorBrief { against, ..color }));
            assert_eq!(
                (flags.extension(), flags.has(EntryFlags::IS_SHOWN), flags.has(EntryFlags::HAS_PREDICTION)),
                (4, true, false)
            );
        }
        assert_eq!(EntryFlags::default().color(&color_targets), None);
    }
}
