//! The chart: CPU time per request by number of idle connections, as an SVG for light and dark pages. Both axes are
//! logarithmic.

use std::fmt::Write as _;

use testkit::stats::{formatted, range};

use super::idle_connections::{Curve, IDLE_COUNTS, Server};
use crate::comparison::Variant;

const SIZE: (f64, f64) = (760.0, 440.0);

/// The edges of the plot: left, right, top, bottom. The margin at the right holds the curves' names.
const PLOT: (f64, f64, f64, f64) = (78.0, 560.0, 54.0, 376.0);

/// Three colours that colour-blind people can distinguish, darker on a light background and lighter on a dark one.
const STYLE: &str = "
svg { font: 13px system-ui, sans-serif }
.background { fill: #ffffff } text { fill: #24292f } .grid { stroke: #d0d7de }
.title { font-size: 15px; font-weight: 600 }
.c0 { stroke: #4d7c0f; fill: #4d7c0f } .c1 { stroke: #0a58ca; fill: #0a58ca } .c2 { stroke: #b3460e; fill: #b3460e }
polyline { fill: none !important; stroke-width: 2.2 } text.name { stroke: none; font-weight: 600 }
@media (prefers-color-scheme: dark) {
.background { fill: #0d1117 } text { fill: #e6edf3 } .grid { stroke: #30363d }
.c0 { stroke: #a3e635; fill: #a3e635 } .c1 { stroke: #79b8ff; fill: #79b8ff } .c2 { stroke: #ffa066; fill: #ffa066 }
}";

/// The file. It shows the variants that are compared everywhere; only the table has the other curves.
pub(crate) fn draw(curves: &[Curve]) -> String {
    let curves: Vec<&Curve> = curves.iter().filter(|curve| matches!(curve.server, Server::Variant(_))).collect();
    let costs = curves.iter().flat_map(|curve| &curve.points).map(|(cpu, _)| cpu.as_secs_f64() * 1e6);
    let (min, max) = range(costs);
    let decades = (min.max(1.0).log10().floor(), max.max(10.0).log10().ceil());
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" role=\"img\" \
         aria-label=\"CPU time per request by number of idle connections\">\n<style>{STYLE}\n</style>\n\
         <rect class=\"background\" width=\"{w}\" height=\"{h}\" rx=\"6\"/>\n",
        w = SIZE.0,
        h = SIZE.1
    );
    draw_axes(&mut svg, decades);
    for (index, curve) in curves.iter().enumerate() {
        draw_curve(&mut svg, index, curve, decades);
    }
    svg + "</svg>\n"
}

/// The scale is logarithmic and yet begins at 0: 100 is as far from 0 as from some 500.
fn x(idle: usize) -> f64 {
    let scale = |idle: usize| (1.0 + f64::from(u32::try_from(idle).unwrap_or(u32::MAX)) / 25.0).ln();
    PLOT.0 + (PLOT.1 - PLOT.0) * scale(idle) / scale(IDLE_COUNTS.iter().copied().max().unwrap_or(1))
}

fn y(micros: f64, (low, high): (f64, f64)) -> f64 {
    PLOT.3 - (PLOT.3 - PLOT.2) * (micros.log10() - low) / (high - low)
}

fn draw_axes(svg: &mut String, decades: (f64, f64)) {
    let (left, right, top, bottom) = PLOT;
    let mut decade = decades.0;
    while decade <= decades.1 {
        let (at, value) = (y(10_f64.powf(decade), decades), 10_f64.powf(decade));
        let label = if value < 100.0 { format!("{value:.0}") } else { formatted(value) };
        let _ = writeln!(svg, "<line class=\"grid\" x1=\"{left}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>");
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>", left - 8.0, at + 4.5);
        decade += 1.0;
    }
    for idle in IDLE_COUNTS {
        let (at, label) = (x(idle), if idle == 0 { "0".to_owned() } else { formatted(idle as f64) });
        let _ = writeln!(svg, "<line class=\"grid\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{top}\" y2=\"{bottom}\"/>");
        let _ = writeln!(svg, "<text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>", bottom + 20.0);
    }
    let middle = (left + right) / 2.0;
    let _ = writeln!(
        svg,
        "<text class=\"title\" x=\"{left}\" y=\"28\">CPU time per request, µs (logarithmic)</text>\n\
         <text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">idle connections beside the busy one \
         (logarithmic)</text>",
        bottom + 46.0
    );
}

fn draw_curve(svg: &mut String, index: usize, curve: &Curve, decades: (f64, f64)) {
    let points: Vec<(f64, f64)> = IDLE_COUNTS
        .iter()
        .zip(&curve.points)
        .map(|(idle, (cpu, _))| (x(*idle), y(cpu.as_secs_f64() * 1e6, decades)))
        .collect();
    let line: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let _ = writeln!(svg, "<g class=\"c{index}\">\n<polyline points=\"{}\"/>", line.join(" "));
    for (x, y) in &points {
        let _ = writeln!(svg, "{}", mark(index, *x, *y));
    }
    if let Some((x, y)) = points.last() {
        let _ = writeln!(
            svg,
            "<text class=\"name c{index}\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            x + 12.0,
            y + 4.5,
            name(curve)
        );
    }
    svg.push_str("</g>\n");
}

/// Each curve has its own shape, so that it can be recognised without its colour.
fn mark(index: usize, x: f64, y: f64) -> String {
    match index {
        0 => format!("<rect x=\"{:.1}\" y=\"{:.1}\" width=\"8\" height=\"8\"/>", x - 4.0, y - 4.0),
        1 => format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\"/>"),
        _ => format!("<path d=\"M{x:.1} {:.1}l5.5 9.5h-11z\"/>", y - 6.0),
    }
}

fn name(curve: &Curve) -> &'static str {
    match curve.server {
        Server::Variant(Variant::Native) => "native",
        Server::Variant(Variant::HyperServer) => "published binding, AOT",
        _ => "our binding, AOT",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_curve_is_drawn_within_the_plot_and_named() {
        let micros = |all: [u64; 6]| all.map(|one| (Duration::from_micros(one), Duration::ZERO)).to_vec();
        let curves = [
            Curve { server: Server::Variant(Variant::Native), points: micros([26, 24, 26, 26, 24, 25]) },
            Curve { server: Server::Variant(Variant::Aot), points: micros([28, 35, 38, 37, 42, 97]) },
            Curve {
                server: Server::Variant(Variant::HyperServer),
                points: micros([53, 212, 820, 1_725, 3_933, 12_187]),
            },
            Curve { server: Server::OneWrite { our_binding: true }, points: micros([20, 30, 30, 30, 40, 90]) },
        ];
        let svg = draw(&curves);
        assert_eq!(svg.matches("<polyline").count(), 3);
        for name in ["native", "our binding", "published binding"] {
            assert!(svg.contains(name), "{name}");
        }
        let lines = svg.split("points=\"").skip(1).filter_map(|rest| rest.split('"').next());
        for point in lines.flat_map(str::split_whitespace) {
            let (x, y) = point.split_once(',').unwrap_or_default();
            let (x, y): (f64, f64) = (x.parse().unwrap_or_default(), y.parse().unwrap_or_default());
            assert!((PLOT.0..=PLOT.1).contains(&x) && (PLOT.2..=PLOT.3).contains(&y), "{point}");
        }
    }
}
