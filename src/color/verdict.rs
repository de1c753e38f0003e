use serde::{Deserialize, Serialize};

use super::Hex;

/// Whether a result shows the color that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Within the tolerance.
    On,
    /// Outside the tolerance, yet close enough to fix.
    Near,
    /// Another color.
    Off,
    /// It cannot be told; a reason goes with it.
    Unmeasurable,
}

impl Verdict {
    /// The word that files and tables use.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::On => "on",
            Verdict::Near => "near",
            Verdict::Off => "off",
            Verdict::Unmeasurable => "unmeasurable",
        }
    }
}

/// Results by verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VerdictCounts {
    /// Within the tolerance.
    pub on: u64,
    /// Close.
    pub near: u64,
    /// Another color.
    pub off: u64,
    /// Not to be told.
    pub unmeasurable: u64,
}

impl VerdictCounts {
    /// Takes in one more.
    pub fn add(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::On => &mut self.on,
            Verdict::Near => &mut self.near,
            Verdict::Off => &mut self.off,
            Verdict::Unmeasurable => &mut self.unmeasurable,
        } += 1;
    }

    /// All of them.
    pub fn total(self) -> u64 {
        self.on + self.near + self.off + self.unmeasurable
    }

    /// Each with its word, best first.
    pub fn by_word(self) -> [(&'static str, u64); 4] {
        [("on", self.on), ("near", self.near), ("off", self.off), ("unmeasurable", self.unmeasurable)]
    }
}

/// How far a color may be from the one asked for, in ΔE00 under the light that suits it best.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tolerance {
    /// Up to here a result is [`Verdict::On`].
    pub on: f64,
    /// Up to here it is [`Verdict::Near`].
    pub near: f64,
}

impl Default for Tolerance {
    /// 2.5 takes 98 of 100 right edits and refuses all that are wrong by 6 in hue or chroma; up to 8 can be corrected.
    fn default() -> Tolerance {
        Tolerance { on: 2.5, near: 8.0 }
    }
}

/// How much farther than the tolerance a color may be under typical light, as a factor.
const TYPICAL_LIGHT_FACTOR: f64 = 1.2;

impl Tolerance {
    /// The verdict on a difference in ΔE00 under the light that suits best, and on the one under the light of most
    /// pictures: what needs rare light to be right is near.
    pub(super) fn verdict_in(self, best: f64, usual: f64) -> Verdict {
        match self.verdict(best) {
            Verdict::On if usual > TYPICAL_LIGHT_FACTOR * self.on => Verdict::Near,
            verdict => verdict,
        }
    }

    /// The verdict on a difference in ΔE00.
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

/// What the check of a result's color found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The color asked for; of several the one that was missed most.
    pub asked: Hex,
    /// The color that the recolored region shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Hex>,
    /// The ΔE00 of the two under the plausible light that suits them best: what the verdict goes by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta_e: Option<f64>,
    /// The ΔE00 of the two as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta_e_plain: Option<f64>,
    /// How much of the picture was recolored, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<f64>,
    /// The mean ΔE00 of the rest of the picture to what it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<f64>,
    /// Whether it is the color asked for.
    pub verdict: Verdict,
    /// Why it is so, where the numbers do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Check {
    /// What orders checks of one thing from the best to the worst. What cannot be told comes last, behind a color that is
    /// known to be missed: no picture is shown for want of a measurement.
    pub fn badness(&self) -> (Verdict, f64) {
        (self.verdict, self.delta_e.unwrap_or(f64::INFINITY))
    }

    /// A check that could not be made.
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
