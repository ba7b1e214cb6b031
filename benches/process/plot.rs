//! Plots as SVG: a few curves over two labelled axes, readable on light and dark pages and without colours.

use std::fmt::Write as _;

use crate::figures::Plot;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
/// The plot's own field: left, top, right, bottom.
const FIELD: [f64; 4] = [70.0, 46.0, 620.0, 300.0];
/// Ground, lines and text follow the reader's scheme; curves have colours that stand out from both.
const STYLE: &str = "svg{background:#fff}text{font:13px sans-serif;fill:#24292f}.axis{stroke:#57606a}.grid{stroke:#d0d7de}\
    .c0{stroke:#0969da}.c1{stroke:#bc4c00}.c2{stroke:#1a7f37}.curve{fill:none;stroke-width:2}.d1{stroke-dasharray:6 4}.d2{stroke-dasharray:2 3}\
    @media(prefers-color-scheme:dark){svg{background:#0d1117}text{fill:#e6edf3}.axis{stroke:#8d96a0}.grid{stroke:#30363d}\
    .c0{stroke:#58a6ff}.c1{stroke:#f0883e}.c2{stroke:#3fb950}}";

/// How values become places.
struct Axis {
    from: f64,
    to: f64,
    low: f64,
    high: f64,
    is_logarithmic: bool,
}

impl Axis {
    fn place(&self, value: f64) -> f64 {
        let scale = |value: f64| if self.is_logarithmic { value.max(f64::MIN_POSITIVE).log10() } else { value };
        let part = (scale(value) - scale(self.from)) / (scale(self.to) - scale(self.from));
        self.low + part * (self.high - self.low)
    }

    /// Round values along it.
    fn marks(&self) -> Vec<f64> {
        if self.is_logarithmic {
            let mut marks = vec![10_f64.powf(self.from.log10().ceil())];
            while let Some(next) = marks.last().map(|last| last * 10.0).filter(|next| *next <= self.to * 1.001) {
                marks.push(next);
            }
            return marks;
        }
        let step = step((self.to - self.from) / 5.0);
        let first = (self.from / step).ceil() * step;
        (0..12).map(|count| first + f64::from(count) * step).filter(|mark| *mark <= self.to * 1.001).collect()
    }
}

/// The next larger of 1, 2, 5, 10, 20 …
fn step(least: f64) -> f64 {
    let ten = 10_f64.powf(least.max(f64::MIN_POSITIVE).log10().floor());
    [1.0, 2.0, 5.0].into_iter().map(|times| times * ten).find(|step| *step >= least).unwrap_or(ten * 10.0)
}

fn most(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, f64::max)
}

/// The plot as a file.
pub fn svg(plot: &Plot) -> String {
    let [left, top, right, bottom] = FIELD;
    let points = || plot.curves.iter().flat_map(|curve| curve.points.iter().copied());
    let least = points().map(|(x, _)| x).fold(f64::INFINITY, f64::min);
    let from = if plot.is_logarithmic { least } else { 0.0 };
    let across =
        Axis { from, to: most(points().map(|(x, _)| x)), low: left, high: right, is_logarithmic: plot.is_logarithmic };
    let highest = most(points().map(|(_, y)| y)) * 1.05;
    // Time and memory begin at nothing, so that a curve looks as steep as it is.
    let up = Axis {
        from: 0.0,
        to: step(highest / 5.0) * (highest / step(highest / 5.0)).ceil(),
        low: bottom,
        high: top,
        is_logarithmic: false,
    };
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">\
         <style>{STYLE}</style><text x=\"{left}\" y=\"22\">{title}</text>\n",
        title = plot.title,
    );
    for mark in across.marks() {
        let x = across.place(mark);
        let _ = writeln!(
            text,
            "<path class=\"grid\" d=\"M{x:.1} {top}V{bottom}\"/><text x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>",
            bottom + 18.0,
            label(mark)
        );
    }
    for mark in up.marks() {
        let y = up.place(mark);
        let _ = writeln!(
            text,
            "<path class=\"grid\" d=\"M{left} {y:.1}H{right}\"/><text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            left - 8.0,
            y + 4.0,
            label(mark)
        );
    }
    let _ = writeln!(text, "<path class=\"axis\" fill=\"none\" d=\"M{left} {top}V{bottom}H{right}\"/>");
    let _ = writeln!(text, "<text x=\"{right}\" y=\"{:.0}\" text-anchor=\"end\">{}</text>", bottom + 38.0, plot.across);
    let _ = writeln!(text, "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"start\">{}</text>", 8.0, top - 8.0, plot.up);
    for (number, curve) in plot.curves.iter().enumerate() {
        let mut line = String::new();
        for (x, y) in &curve.points {
            let _ =
                write!(line, "{}{:.1} {:.1}", if line.is_empty() { "M" } else { "L" }, across.place(*x), up.place(*y));
        }
        let class = format!("curve c{} d{}", number % 3, number % 3);
        let _ = writeln!(text, "<path class=\"{class}\" d=\"{line}\"/>");
        let (x, y) = (left + 20.0 + 190.0 * f64::from(u8::try_from(number).unwrap_or_default()), bottom + 34.0);
        let _ = writeln!(
            text,
            "<path class=\"{class}\" d=\"M{x:.0} {y:.0}h28\"/><text x=\"{:.0}\" y=\"{:.0}\">{}</text>",
            x + 34.0,
            y + 4.0,
            curve.name
        );
    }
    text + "</svg>\n"
}

fn label(value: f64) -> String {
    if value >= 1e3 && value % 1e3 == 0.0 {
        format!("{:.0},000", value / 1e3)
    } else {
        format!("{}", (value * 100.0).round() / 100.0)
    }
}
