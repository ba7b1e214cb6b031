//! The colours of the pages that people see in the browser, as WCAG 2 counts their contrast.

use std::collections::HashMap;

const CLIENT: &str = include_str!("../../src/oauth/listener/page.css");
const SANDBOX: &str = include_str!("../../src/sandbox/page.css");
/// Texts: a colour on its ground, 4.5 at least (1.4.3).
const TEXTS: [(&str, &str, &str); 12] = [
    (CLIENT, "ink", "card"),
    (CLIENT, "ink", "paper"),
    (CLIENT, "soft", "card"),
    (CLIENT, "soft", "paper"),
    (CLIENT, "good", "card"),
    (CLIENT, "bad", "card"),
    (SANDBOX, "ink", "card"),
    (SANDBOX, "ink", "paper"),
    (SANDBOX, "soft", "card"),
    (SANDBOX, "on-yes", "yes"),
    (SANDBOX, "on-note", "note"),
    (SANDBOX, "yes", "card"),
];
/// Marks, frames of fields and the focus: 3 at least (1.4.11).
const MARKS: [(&str, &str, &str); 4] =
    [(CLIENT, "calm", "card"), (SANDBOX, "edge", "card"), (SANDBOX, "edge", "paper"), (SANDBOX, "yes", "paper")];

/// The colours of a block of custom properties.
fn colours(block: &str) -> HashMap<String, [f64; 3]> {
    let pairs = block.split([';', '{', '}']).filter_map(|one| one.trim().strip_prefix("--")?.split_once(':'));
    pairs.filter_map(|(name, value)| Some((name.to_owned(), rgb(value.trim().strip_prefix('#')?)))).collect()
}

fn rgb(hex: &str) -> [f64; 3] {
    let long: String = if hex.len() == 3 { hex.chars().flat_map(|c| [c, c]).collect() } else { hex.to_owned() };
    [0, 2, 4].map(|at| long.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok()).expect("a colour").into())
}

/// The two sets of colours of a style: light, and light with what dark changes.
fn schemes(css: &str) -> [HashMap<String, [f64; 3]>; 2] {
    let compact = css.replace(": ", ":").replace(" {", "{");
    let (light, rest) = compact.split_once("@media (prefers-color-scheme:dark)").expect("a dark scheme");
    let dark = rest.lines().next().expect("its colours");
    let (light, dark) = (colours(light), colours(dark));
    let both = light.iter().chain(&dark).map(|(name, colour)| (name.clone(), *colour)).collect();
    [light, both]
}

fn luminance(colour: [f64; 3]) -> f64 {
    let linear = |c: f64| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) };
    let [r, g, b] = colour.map(|c| linear(c / 255.0));
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn every_colour_of_a_page_is_readable_on_its_ground_in_light_and_dark() {
    let mut faint = Vec::new();
    for (pairs, least) in [(TEXTS.as_slice(), 4.5), (MARKS.as_slice(), 3.0)] {
        for (css, colour, ground) in pairs {
            for (scheme, colours) in ["light", "dark"].iter().zip(schemes(css)) {
                let ratio = contrast(colours[*colour], colours[*ground]);
                if ratio < least {
                    faint.push(format!("--{colour} on --{ground} in {scheme}: {ratio:.2}, {least} is wanted"));
                }
            }
        }
    }
    assert!(faint.is_empty(), "{faint:#?}");
}

#[test]
fn contrast_is_counted_as_the_standard_does() {
    assert!((contrast(rgb("000"), rgb("fff")) - 21.0).abs() < 1e-9);
    assert!((contrast(rgb("777777"), rgb("ffffff")) - 4.48).abs() < 0.01);
}

#[test]
fn styles_load_nothing_and_respect_what_people_set() {
    for css in [CLIENT, SANDBOX] {
        for outside in ["url(", "@import", "http", "</", "outline:none", "outline:0", "!important"] {
            assert!(!css.replace(": ", ":").contains(outside), "{outside}");
        }
        for asked in ["prefers-color-scheme", "prefers-contrast", "forced-colors", "color-scheme:"] {
            assert!(css.contains(asked), "{asked}");
        }
        let still = css.split_once("@media (prefers-reduced-motion: no-preference)").map_or(css, |(before, _)| before);
        for motion in ["animation", "transition", "@keyframes"] {
            assert!(!still.contains(motion), "{motion} where motion is not wanted");
        }
    }
    assert!(SANDBOX.contains(":focus-visible{outline:3px solid"), "the focus is not seen");
}
