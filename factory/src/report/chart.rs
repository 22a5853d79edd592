//! Charts as SVG: bars that stand for counts over a scale, and bars that lie beside their names. Nothing in them is fetched or run.

use super::scale::ticks;
use std::fmt::Write;

/// Size of a chart with standing bars, in pixels at 100 %.
const WIDTH: u64 = 720;
const HEIGHT: u64 = 260;
/// Room around its bars: numbers on the left, names below, the unit above.
const LEFT: u64 = 64;
const RIGHT: u64 = 16;
const TOP: u64 = 30;
const BOTTOM: u64 = 46;
/// Height of a lying bar with its gap.
const ROW: u64 = 26;
/// Room for names beside lying bars.
const NAMES: u64 = 300;
/// Labels below standing bars: more would run into each other.
const LABELS_MAX: usize = 10;
/// Label of the bar for all that is above the scale.
pub(super) const ABOVE: &str = "…";
/// Longest name beside a lying bar, in half-width characters.
const NAME_CHARS_MAX: usize = 44;

const STYLE: &str = "font-family=\"system-ui,'Noto Sans','Noto Sans JP','Hiragino Sans','Yu Gothic',sans-serif\" font-size=\"12\" fill=\"#333\"";
const BAR: &str = "#2b6ca3";
const BAD: &str = "#b3422f";
const GRID: &str = "#d9dee3";

/// Bars that stand on a scale; a label belongs to the left edge of its bar.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) title: String,
    /// What is counted, above the numbers.
    pub(super) unit: String,
    /// What the scale below is.
    pub(super) scale: String,
    pub(super) bars: Vec<(String, u64)>,
}

/// Bars that lie beside their names, longest first.
#[derive(Debug, Clone)]
pub(super) struct Lying {
    pub(super) title: String,
    pub(super) bars: Vec<(String, u64)>,
}

impl Standing {
    pub(super) fn svg(&self) -> String {
        let most = self.bars.iter().map(|(_, count)| *count).max().unwrap_or_default();
        let ticks = ticks(most);
        let top = ticks.last().copied().unwrap_or(1).max(1);
        let (width, height) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
        let y = |value: u64| TOP + height - height * value / top;
        let bars = u64::try_from(self.bars.len()).unwrap_or(1).max(1);
        let x = |number: usize| LEFT + width * u64::try_from(number).unwrap_or_default() / bars;
        let mut svg = open(WIDTH, HEIGHT, &self.title);
        let _ = write!(svg, "<text x=\"{LEFT}\" y=\"14\" font-size=\"11\" fill=\"#667\">{}</text>", escape(&self.unit));
        for tick in ticks {
            let at = y(tick);
            let _ =
                write!(svg, "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{at}\" y2=\"{at}\" stroke=\"{GRID}\"/>", WIDTH - RIGHT);
            let _ =
                write!(svg, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", LEFT - 8, at + 4, grouped(tick));
        }
        let every = self.bars.len().div_ceil(LABELS_MAX).max(1);
        for (number, (label, count)) in self.bars.iter().enumerate() {
            let (left, right) = (x(number), x(number + 1));
            let wide = (right - left).saturating_sub(if right - left > 6 { 2 } else { 0 }).max(1);
            let (at, tall) = (y(*count), TOP + height - y(*count));
            if tall > 0 {
                let _ = write!(
                    svg,
                    "<rect x=\"{left}\" y=\"{at}\" width=\"{wide}\" height=\"{tall}\" fill=\"{BAR}\"><title>{}: {}</title></rect>",
                    escape(label),
                    grouped(*count)
                );
            }
            // What is above the scale has its label, however many others have none.
            if number % every == 0 || label == ABOVE {
                let _ = write!(
                    svg,
                    "<text x=\"{left}\" y=\"{}\" text-anchor=\"start\">{}</text>",
                    HEIGHT - BOTTOM + 17,
                    escape(label)
                );
            }
        }
        let middle = LEFT + width / 2;
        let _ = write!(
            svg,
            "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" font-size=\"11\" fill=\"#667\">{}</text></svg>",
            HEIGHT - 8,
            escape(&self.scale)
        );
        svg
    }
}

impl Lying {
    pub(super) fn svg(&self) -> String {
        let most = self.bars.iter().map(|(_, count)| *count).max().unwrap_or_default().max(1);
        let rows = u64::try_from(self.bars.len()).unwrap_or_default();
        let height = ROW * rows.max(1) + 12;
        // The count stands behind the bar.
        let width = WIDTH - NAMES - RIGHT - 60;
        let mut svg = open(WIDTH, height, &self.title);
        for (row, (name, count)) in (0..).zip(&self.bars) {
            let at = 6 + ROW * row;
            let long = (width * count / most).max(2);
            let _ = write!(
                svg,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text><rect x=\"{NAMES}\" y=\"{}\" width=\"{long}\" height=\"18\" fill=\"{BAD}\"/>\
                 <text x=\"{}\" y=\"{}\">{}</text>",
                NAMES - 10,
                at + 14,
                escape(&shortened(name)),
                at,
                NAMES + long + 8,
                at + 14,
                grouped(*count)
            );
        }
        svg + "</svg>"
    }
}

fn open(width: u64, height: u64, title: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" {STYLE}>\
         <title>{}</title><rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>",
        escape(title)
    )
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= NAME_CHARS_MAX {
        return name.to_owned();
    }
    name.chars().take(NAME_CHARS_MAX - 1).chain(['…']).collect()
}

/// A count with a comma between thousands.
pub(super) fn grouped(number: u64) -> String {
    crate::watch::count(number)
}

/// Text for SVG and HTML.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}
