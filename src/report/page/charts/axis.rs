//! The axes and drawing primitives that the charts share.

use std::fmt::Write;

/// The drawing's width in units of the SVG.
pub(super) const WIDTH: f64 = 360.0;
pub(super) const HEIGHT: f64 = 132.0;

/// The area of the plot in the drawing.
const MIN_LEFT: f64 = 40.0;
pub(super) const RIGHT: f64 = 352.0;
pub(super) const TOP: f64 = 10.0;
pub(super) const BOTTOM: f64 = 110.0;

/// The width of a digit in labels, which have tabular figures of 10.5 units, and the gap between a label and its axis.
const DIGIT: f64 = 6.2;
const GAP: f64 = 6.0;

/// A drawing in progress, with its axes.
pub(super) struct Drawing {
    svg: String,
    /// Where the plot begins: after the longest label of the vertical axis.
    left: f64,
    most_x: f64,
    most_y: f64,
}

impl Drawing {
    /// Draws axes from 0 to `most_x` and from 0 to at least `most_y`, with labels from `label_x` and `label_y` at round
    /// values.
    pub(super) fn new(
        most_x: f64,
        most_y: f64,
        label_x: impl Fn(f64) -> String,
        label_y: impl Fn(f64) -> String,
    ) -> Drawing {
        let (most_x, most_y) = (most_x.max(f64::MIN_POSITIVE), most_y.max(f64::MIN_POSITIVE));
        let step_y = step(most_y, 3.0);
        let most_y = (most_y / step_y).ceil() * step_y;
        let svg = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" aria-hidden=\"true\" focusable=\"false\">");
        let labels: Vec<(f64, String)> = rounds(step_y, most_y).map(|value| (value, label_y(value))).collect();
        let longest = labels.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(0);
        let left = (longest as f64 * DIGIT + GAP).max(MIN_LEFT);
        let mut drawing = Drawing { svg, left, most_x, most_y };
        for (value, label) in labels {
            let y = drawing.y(value);
            drawing.push(format_args!("<path class=\"grid\" d=\"M{left:.1} {y:.1}H{RIGHT}\"/>"));
            let (x, y) = (left - GAP, y + 3.5);
            drawing.push(format_args!("<text class=\"end\" x=\"{x:.1}\" y=\"{y:.1}\">{label}</text>"));
        }
        for value in rounds(step(most_x, 4.0), most_x) {
            let anchor = if drawing.x(value) > RIGHT - 16.0 { "end" } else { "middle" };
            drawing.label(anchor, value, &label_x(value));
        }
        drawing
    }

    /// Draws a label below the plot at `value`; an empty text draws none.
    pub(super) fn label(&mut self, anchor: &str, value: f64, words: &str) {
        let (x, y) = (self.x(value), BOTTOM + 15.0);
        if !words.is_empty() {
            self.push(format_args!("<text class=\"{anchor}\" x=\"{x:.1}\" y=\"{y}\">{words}</text>"));
        }
    }

    pub(super) fn x(&self, value: f64) -> f64 {
        self.left + (value / self.most_x).clamp(0.0, 1.0) * (RIGHT - self.left)
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        BOTTOM - (value / self.most_y).clamp(0.0, 1.0) * (BOTTOM - TOP)
    }

    /// Draws a rectangle between two values on each axis. It is at least 0.8 units wide, so that it can be seen.
    pub(super) fn rectangle(&mut self, class: &str, (from_x, to_x): (f64, f64), (from_y, to_y): (f64, f64)) {
        let (left, top) = (self.x(from_x), self.y(to_y));
        let (width, height) = ((self.x(to_x) - left).max(0.8), self.y(from_y) - top);
        self.push(format_args!(
            "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
        ));
    }

    /// Draws a step line.
    pub(super) fn steps(&mut self, class: &str, points: &[(f64, f64)]) {
        let mut path = String::new();
        for (number, (x, y)) in points.iter().enumerate() {
            let (x, y) = (self.x(*x), self.y(*y));
            let _ = if number == 0 { write!(path, "M{x:.1} {y:.1}") } else { write!(path, "H{x:.1}V{y:.1}") };
        }
        self.push(format_args!("<path class=\"line {class}\" d=\"{path}\"/>"));
    }

    /// Draws a horizontal line across the plot at `value`.
    pub(super) fn level(&mut self, class: &str, value: f64) {
        let (left, y) = (self.left, self.y(value));
        self.push(format_args!("<path class=\"{class}\" d=\"M{left:.1} {y:.1}H{RIGHT}\"/>"));
    }

    /// Draws a vertical line across the plot at `value`.
    pub(super) fn mark(&mut self, class: &str, value: f64) {
        let x = self.x(value);
        self.push(format_args!("<path class=\"{class}\" d=\"M{x:.1} {TOP}V{BOTTOM}\"/>"));
    }

    pub(super) fn finish(mut self) -> String {
        let left = self.left;
        self.push(format_args!("<path class=\"axis\" d=\"M{left:.1} {BOTTOM}H{RIGHT}\"/></svg>"));
        self.svg
    }

    fn push(&mut self, part: std::fmt::Arguments<'_>) {
        // Writing to a `String` cannot fail.
        let _ = self.svg.write_fmt(part);
    }
}

/// Returns a round step (1, 2 or 5 times a power of ten) that divides `most` into about `wanted` parts.
pub(super) fn step(most: f64, wanted: f64) -> f64 {
    let raw = most / wanted;
    let power = 10f64.powf(raw.log10().floor());
    let rest = raw / power;
    power
        * if rest <= 1.0 {
            1.0
        } else if rest <= 2.0 {
            2.0
        } else if rest <= 5.0 {
            5.0
        } else {
            10.0
        }
}

fn rounds(step: f64, most: f64) -> impl Iterator<Item = f64> {
    (0..).map(move |number| f64::from(number) * step).take_while(move |value| *value <= most * 1.000_001).take(12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_label_of_the_vertical_axis_is_within_the_drawing() {
        for most in [0.14, 9.9, 350.0, 4000.0, 2_000_000.0] {
            let svg = Drawing::new(1.0, most, |_| String::new(), |value| format!("${value:.2}")).finish();
            for text in svg.split("<text class=\"end\" x=\"").skip(1) {
                let (x, rest) = text.split_once('"').unwrap();
                let label = rest.split_once('>').unwrap().1.split_once('<').unwrap().0;
                // A digit of a sans-serif font is at most 0.58 of its size wide.
                let width = label.len() as f64 * 0.58 * 10.5;
                assert!(x.parse::<f64>().unwrap() >= width, "{label} begins left of the drawing: {svg}");
            }
        }
    }

    #[test]
    fn axis_steps_are_round_numbers() {
        assert_eq!([9.0, 12.0, 100.0, 0.7].map(|most| step(most, 4.0)), [5.0, 5.0, 50.0, 0.2]);
        assert_eq!(rounds(5.0, 12.0).collect::<Vec<_>>(), [0.0, 5.0, 10.0]);
    }
}
