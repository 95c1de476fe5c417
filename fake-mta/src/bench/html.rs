//! A page with the latency plot, which needs nothing beside itself.

use super::{
    report::{Figures, Outcome, about, heading, ratio_line, remarks},
    stats::{PERCENTILES, Row},
};
use crate::report::text::{escaped, put};

pub(super) fn render(outcome: &Outcome) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>fake-mta bench</title>\n<style>{STYLE}</style></head>\n<body>\n<h1>Load</h1>\n<p>{}</p>\n",
        escaped(&about(outcome))
    );
    if let Some(fatal) = &outcome.broken_off {
        put(&mut page, format_args!("<p>broken off: {}</p>\n", escaped(&fatal.text)));
    }
    if let Some(line) = ratio_line(outcome) {
        put(&mut page, format_args!("<p>{}</p>\n", escaped(&line)));
    }
    page += &plot(outcome);
    outcome.milters.iter().for_each(|figures| page += &table(outcome, figures));
    page + "</body></html>\n"
}

fn table(outcome: &Outcome, figures: &Figures) -> String {
    let stats = &figures.total;
    let mut text = format!(
        "<h2>{}</h2>\n<p>{} messages, {:.0} a second, {} errors</p>\n",
        escaped(&figures.name),
        stats.messages,
        stats.rate(),
        stats.errors
    );
    remarks(outcome, figures).iter().for_each(|line| put(&mut text, format_args!("<p>{}</p>\n", escaped(line))));
    text += "<table><tr><th>stage</th><th>answers</th>";
    PERCENTILES.iter().for_each(|percent| put(&mut text, format_args!("<th>{} ms</th>", heading(*percent))));
    text += "</tr>\n";
    for Row { stage, answers, ms, .. } in stats.rows() {
        put(&mut text, format_args!("<tr><td>{stage}</td><td>{answers}</td>"));
        ms.iter().for_each(|value| put(&mut text, format_args!("<td>{value:.3}</td>")));
        text += "</tr>\n";
    }
    text + "</table>\n"
}

/// The time of a whole message over the percentiles, the time as its logarithm: one line for each milter.
fn plot(outcome: &Outcome) -> String {
    let highest = outcome.milters.iter().filter_map(|figures| figures.total.ms(None, 100.0)).fold(0.1, f64::max);
    let decades = highest.log10().ceil().max(0.0) + 2.0;
    let y = |ms: f64| HEIGHT - (ms.max(0.01).log10() + 2.0).max(0.0) / decades * HEIGHT;
    let mut svg = format!(
        "<svg viewBox=\"-70 -20 {} {}\" role=\"img\" aria-label=\"time of a message over percentiles\">\n",
        WIDTH + 220.0,
        HEIGHT + 60.0
    );
    for (step, percent) in PLOTTED.iter().enumerate() {
        let x = x_of(step);
        put(
            &mut svg,
            format_args!(
                "<line x1=\"{x}\" y1=\"0\" x2=\"{x}\" y2=\"{HEIGHT}\" class=\"grid\"/><text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n",
                HEIGHT + 20.0,
                heading(*percent)
            ),
        );
    }
    for exponent in -2..=5_i32 {
        let ms = 10_f64.powi(exponent);
        if y(ms) >= -1.0 {
            put(
                &mut svg,
                format_args!(
                    "<line x1=\"0\" y1=\"{0}\" x2=\"{WIDTH}\" y2=\"{0}\" class=\"grid\"/><text x=\"-8\" y=\"{1}\" text-anchor=\"end\">{ms} ms</text>\n",
                    y(ms),
                    y(ms) + 4.0
                ),
            );
        }
    }
    for (index, Figures { name, total, .. }) in outcome.milters.iter().enumerate() {
        // Where no message came through there is nothing to plot.
        let Some(slowest) = total.ms(None, 100.0) else { continue };
        let points: Vec<String> = PLOTTED
            .iter()
            .enumerate()
            .filter_map(|(step, percent)| Some(format!("{:.1},{:.1}", x_of(step), y(total.ms(None, *percent)?))))
            .collect();
        let colour = COLOURS[index % COLOURS.len()];
        put(
            &mut svg,
            format_args!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\"/>\n",
                points.join(" ")
            ),
        );
        put(
            &mut svg,
            format_args!(
                "<text x=\"{}\" y=\"{}\" fill=\"{colour}\">{}</text>\n",
                WIDTH + 10.0,
                y(slowest) + 4.0,
                escaped(name)
            ),
        );
    }
    svg + "</svg>\n"
}

#[expect(clippy::cast_precision_loss, reason = "there are a dozen steps")]
fn x_of(step: usize) -> f64 {
    step as f64 * WIDTH / (PLOTTED.len() - 1) as f64
}

/// Each step to the right leaves a tenth, or a half, of what was left.
const PLOTTED: [f64; 9] = [10.0, 25.0, 50.0, 75.0, 90.0, 99.0, 99.9, 99.99, 100.0];

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 320.0;
const COLOURS: [&str; 4] = ["#1f6f8b", "#c8553d", "#6a7f2a", "#7a4ea3"];

const STYLE: &str = "
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; color: #1a1a1a; background: #fff }
table { border-collapse: collapse } th, td { border: 1px solid #ccc; padding: .2rem .6rem; text-align: right } td:first-child { text-align: left }
svg { max-width: 60rem; font-size: 13px } .grid { stroke: #ddd }
";
