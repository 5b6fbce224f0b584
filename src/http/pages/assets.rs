//! The style sheet and the icon: part of the program, named by what they contain, so that they may be kept for ever.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use std::sync::LazyLock;
use url::Url;

/// The folder of their URLs, beside `/sdata`.
pub(in crate::http) const FOLDER: &str = "assets";

const STYLE: &str = include_str!("../../../templates/style.css");
const ICON: &str = include_str!("../../../templates/icon.svg");

static STYLE_NAME: LazyLock<String> = LazyLock::new(|| format!("style-{}.css", version(STYLE)));
static ICON_NAME: LazyLock<String> = LazyLock::new(|| format!("icon-{}.svg", version(ICON)));

/// A year: as long as it makes sense to say (RFC 9111, 1.2.2).
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The style sheet's URL, without scheme and host: pages are read under whatever name the provider is reached by.
pub(super) fn style_url(base_url: &str) -> String {
    asset_url(base_url, &STYLE_NAME)
}

/// The icon's URL, as [`style_url`].
pub(super) fn icon_url(base_url: &str) -> String {
    asset_url(base_url, &ICON_NAME)
}

fn asset_url(base_url: &str, name: &str) -> String {
    // Of a URL that is a server's alone the path is `/`.
    let path = Url::parse(base_url).map(|url| url.path().trim_end_matches('/').to_owned()).unwrap_or_default();
    format!("{path}/{FOLDER}/{name}")
}

/// The file of this name; `None` for any other, also for the one of another version.
pub(in crate::http) fn asset(name: &str) -> Option<HttpResponse> {
    let (media_type, text) = match name {
        name if name == *STYLE_NAME => ("text/css; charset=utf-8", STYLE),
        name if name == *ICON_NAME => ("image/svg+xml", ICON),
        _ => return None,
    };
    let mut response = HttpResponse::Ok();
    Some(response.insert_header((CONTENT_TYPE, media_type)).insert_header((CACHE_CONTROL, FOR_EVER)).body(text))
}

fn version(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn an_asset_is_served_under_its_own_version_alone() {
        assert!(asset(&STYLE_NAME).is_some());
        assert!(asset(&ICON_NAME).is_some());
        assert!(asset("style-0000000000000000.css").is_none());
        assert_eq!(style_url("https://example.com/x/"), format!("/x/assets/{}", *STYLE_NAME));
    }

    /// The custom properties of one colour scheme.
    fn colours(scheme: &str) -> HashMap<&str, [f64; 3]> {
        let hex = |text: &str, at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        let declarations = scheme.split(';').filter_map(|declaration| declaration.split_once(": #"));
        declarations
            .filter_map(|(name, value)| Some((name.rsplit_once("--")?.1, value)))
            .map(|(name, value)| {
                (name, [hex(value, 0), hex(value, 2), hex(value, 4)].map(|byte| f64::from(byte) / 255.0))
            })
            .collect()
    }

    /// The contrast of two colours (WCAG 2.2, 1.4.3).
    fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
        let luminance = |colour: [f64; 3]| {
            let linear = |part: f64| if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) };
            let [red, green, blue] = colour.map(linear);
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn every_text_can_be_told_from_its_ground_in_both_schemes() {
        let (light, dark) = STYLE.split_once("prefers-color-scheme: dark").unwrap();
        for scheme in [light, dark] {
            let colours = colours(scheme.split_once('}').unwrap().0);
            for (text, ground) in [
                ("text", "ground"),
                ("text", "panel"),
                ("text", "hover"),
                ("muted", "ground"),
                ("muted", "panel"),
                ("muted", "hover"),
                ("link", "ground"),
                ("link", "panel"),
                ("link", "hover"),
                ("on-link", "link"),
                ("good", "good-ground"),
                ("bad", "bad-ground"),
                ("mixed", "mixed-ground"),
                ("plain", "plain-ground"),
            ] {
                let reached = contrast(colours[text], colours[ground]);
                assert!(reached >= 4.5, "{text} on {ground}: {reached:.2}");
            }
        }
    }
}
