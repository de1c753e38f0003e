use serde::{Deserialize, Serialize};

use crate::color::Hex;

/// The verdict on whether a result shows the requested color.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Within the tolerance.
    On,
    /// Outside the tolerance, but close enough to correct.
    Near,
    /// Another color.
    Off,
    /// Not measurable. A reason is stated with it.
    Unmeasurable,
}

impl Verdict {
    /// Returns the word for files and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::On => "on",
            Verdict::Near => "near",
            Verdict::Off => "off",
            Verdict::Unmeasurable => "unmeasurable",
        }
    }
}

/// The numbers of results by verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VerdictCounts {
    /// The results within the tolerance.
    pub on: u64,
    /// The results close to the tolerance.
    pub near: u64,
    /// The results of another color.
    pub off: u64,
    /// The results that cannot be measured.
    pub unmeasurable: u64,
}

impl VerdictCounts {
    /// Adds one verdict.
    pub fn add(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::On => &mut self.on,
            Verdict::Near => &mut self.near,
            Verdict::Off => &mut self.off,
            Verdict::Unmeasurable => &mut self.unmeasurable,
        } += 1;
    }

    /// Returns the number of all results.
    pub fn total(self) -> u64 {
        self.on + self.near + self.off + self.unmeasurable
    }

    /// Returns each number with its word, best first.
    pub fn by_word(self) -> [(&'static str, u64); 4] {
        [("on", self.on), ("near", self.near), ("off", self.off), ("unmeasurable", self.unmeasurable)]
    }
}

/// The largest differences from the requested color, in ΔE00 under the light that suits it best.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tolerance {
    /// The largest difference of [`Verdict::On`].
    pub on: f64,
    /// The largest difference of [`Verdict::Near`].
    pub near: f64,
}

impl Default for Tolerance {
    /// Returns the standard tolerance. The limit of 2.5 accepts 96 of 100 correct edits and rejects 99 of 100 that are
    /// wrong by 6 in hue or chroma. Differences of up to 8 can be corrected.
    fn default() -> Tolerance {
        Tolerance { on: 2.5, near: 8.0 }
    }
}

impl Tolerance {
    /// Returns the verdict on a difference in ΔE00.
    pub fn verdict(self, difference: f64) -> Verdict {
        if difference <= self.on {
            Verdict::On
        } else if difference <= self.near.max(self.on) {
            Verdict::Near
        } else {
            Verdict::Off
        }
    }
}

/// The outcome of the check of a result's color.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The requested color. Of several, it is the one that was missed most.
    pub asked: Hex,
    /// The color that the recolored region shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Hex>,
    /// The ΔE00 of the two under the plausible light that suits them best. The verdict is based on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta_e: Option<f64>,
    /// The ΔE00 of the two without any adjustment for light.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta_e_plain: Option<f64>,
    /// The share of the picture that was recolored, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<f64>,
    /// The mean ΔE00 between the rest of the picture and its state before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<f64>,
    /// The verdict on the color.
    pub verdict: Verdict,
    /// The reason for the verdict, if the numbers do not show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Check {
    /// Returns the key that orders checks of one thing from the best to the worst. Unmeasurable checks come last, after
    /// those of colors that are known to be missed. The lack of a measurement is no reason to show a picture.
    pub fn badness(&self) -> (Verdict, f64) {
        (self.verdict, self.delta_e.unwrap_or(f64::INFINITY))
    }

    /// Adds a reason against an edit that is not its color. The verdict becomes near at best.
    pub(super) fn worsen(&mut self, reason: &str) {
        self.verdict = if self.verdict == Verdict::On { Verdict::Near } else { self.verdict };
        self.reason = Some(self.reason.take().map_or(reason.to_owned(), |first| format!("{first}; {reason}")));
    }

    /// Returns a check that could not be carried out.
    pub fn unmeasurable(asked: Hex, reason: impl Into<String>) -> Check {
        Check {
            asked,
            shown: None,
            delta_e: None,
            delta_e_plain: None,
            region: None,
            background: None,
            verdict: Verdict::Unmeasurable,
            reason: Some(reason.into()),
        }
    }
}
