//! What a browser says of itself, in words: a name for people, and a class that limits count by.
//!
//! The name is decoration and nothing is decided by it. The class is only as true as the browser:
//! it keeps apart what people use side by side, and holds off nobody who wants to be miscounted.
//!
//! Browser family and system are all that is wanted, and two short tables give them. The libraries
//! that know every agent of the web (ua-parser, woothee) cost hundreds of expressions, megabytes
//! in memory and data that must be kept fresh, to tell versions and models that we do not show.

use http::HeaderMap;
use http::header::USER_AGENT;
use innkeeper_domain::device::{DeviceClass, DeviceLabel};

/// What is known of a browser or app by its own word.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Described {
    /// What to call it.
    pub label: Option<DeviceLabel>,
    /// What kind of thing it is; `None` if it said nothing.
    pub class: Option<DeviceClass>,
}

/// The most bytes of a text that are looked at; as many as the API takes.
const LEN_MAX: usize = 1024;

/// Which sign in a user agent stands for which browser; the first that is there counts, because
/// all of them also claim to be the later ones.
const BROWSERS: [(&str, &str); 14] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
    ("Trident/", "Internet Explorer"),
    ("AppleWebKit/", "WebKit"),
];

/// The same for systems, with the class of what runs them.
const SYSTEMS: [(&str, &str, DeviceClass); 15] = [
    ("AppleTV", "Apple TV", DeviceClass::Tv),
    ("Apple TV", "Apple TV", DeviceClass::Tv),
    ("Tizen", "Samsung TV", DeviceClass::Tv),
    ("Web0S", "LG TV", DeviceClass::Tv),
    ("SMART-TV", "TV", DeviceClass::Tv),
    ("PlayStation", "PlayStation", DeviceClass::Tv),
    ("Xbox", "Xbox", DeviceClass::Tv),
    ("iPhone", "iPhone", DeviceClass::Mobile),
    ("iPad", "iPad", DeviceClass::Tablet),
    // Told from tablets below.
    ("Android", "Android", DeviceClass::Mobile),
    ("Windows", "Windows", DeviceClass::Desktop),
    ("CrOS", "ChromeOS", DeviceClass::Desktop),
    ("Macintosh", "Mac", DeviceClass::Desktop),
    ("Mac OS X", "Mac", DeviceClass::Desktop),
    ("Linux", "Linux", DeviceClass::Desktop),
];

/// Programs that people call from a command line.
const PROGRAMS: [&str; 5] = ["curl/", "Wget/", "HTTPie/", "xh/", "innkeeper/"];

/// Reads the `User-Agent` of a request, and the client hints that browsers send unasked
/// (`Sec-CH-UA-Mobile`, `Sec-CH-UA-Platform`; W3C client hints infrastructure).
#[must_use]
pub fn describe_request(headers: &HeaderMap) -> Described {
    let text = headers.get(USER_AGENT).map(|value| {
        let bytes = value.as_bytes();
        String::from_utf8_lossy(&bytes[..bytes.len().min(LEN_MAX)])
    });
    let mut described = describe(text.as_deref());
    // Since browsers froze what they say of a system, the hint is the better word on it.
    let says = |name, value: &str| {
        headers
            .get(name)
            .is_some_and(|v| v.as_bytes() == value.as_bytes())
    };
    if says("sec-ch-ua-mobile", "?1") {
        described.class = Some(DeviceClass::Mobile);
    } else if says("sec-ch-ua-mobile", "?0") && says("sec-ch-ua-platform", "\"Android\"") {
        described.class = Some(DeviceClass::Tablet);
    }
    described
}

/// Reads a text that a browser or app calls itself by. It is hostile: what comes of it is bounded
/// and stays in its place, and who shows it escapes it.
#[must_use]
pub fn describe(user_agent: Option<&str>) -> Described {
    let Some(text) = user_agent.map(str::trim).filter(|text| !text.is_empty()) else {
        return Described::default();
    };
    let text = &text[..text.floor_char_boundary(LEN_MAX)];
    let browser = BROWSERS.iter().find(|(sign, _)| text.contains(sign));
    let system = SYSTEMS.iter().find(|(sign, ..)| text.contains(sign));
    let label = match (browser, system) {
        (Some((_, browser)), Some((_, system, _))) => {
            DeviceLabel::of_text(&format!("{browser} on {system}"))
        }
        (Some((_, name)), None) | (None, Some((_, name, _))) => DeviceLabel::of_text(name),
        (None, None) => DeviceLabel::of_text(text.split(['/', ' ']).next().unwrap_or_default()),
    };
    let class = match (system, browser) {
        _ if PROGRAMS.iter().any(|program| text.starts_with(program)) => DeviceClass::Cli,
        // A tablet leaves the word for a phone out.
        (Some((_, "Android", _)), _) if !text.contains("Mobile") => DeviceClass::Tablet,
        (Some((.., class)), _) => *class,
        (None, _) => DeviceClass::Other,
    };
    Described {
        label,
        class: Some(class),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (String, DeviceClass) {
        let described = describe(Some(text));
        let label = described.label.expect("it has a name");
        (label.to_string(), described.class.expect("it has a class"))
    }

    #[test]
    fn given_the_user_agents_of_browsers_when_named_then_people_know_them() {
        for (user_agent, name, class) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                "Firefox on Linux",
                DeviceClass::Desktop,
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
                "Edge on Windows",
                DeviceClass::Desktop,
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 HeadlessChrome/126.0.0.0 Safari/537.36",
                "Chrome on Linux",
                DeviceClass::Desktop,
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
                DeviceClass::Mobile,
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like \
                 Gecko) CriOS/126.0 Mobile/15E148 Safari/604.1",
                "Chrome on iPad",
                DeviceClass::Tablet,
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/126.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
                DeviceClass::Mobile,
            ),
            (
                "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/126.0.0.0 Safari/537.36",
                "Chrome on Android",
                DeviceClass::Tablet,
            ),
            (
                "Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Version/6.0 TV Safari/537.36",
                "Safari on Samsung TV",
                DeviceClass::Tv,
            ),
            ("curl/8.9.1", "curl", DeviceClass::Cli),
            ("Lynx", "Lynx", DeviceClass::Other),
        ] {
            assert_eq!(of(user_agent), (name.to_owned(), class));
        }
    }

    #[test]
    fn given_nothing_when_described_then_nothing_is_known() {
        assert_eq!(describe(None), Described::default());
        assert_eq!(describe(Some("  ")), Described::default());
    }

    #[test]
    fn given_hostile_text_when_named_then_it_is_short_and_stays_in_its_place() {
        let (long, _) = of(&"x".repeat(100_000));
        let (moving, class) = of("a\u{202e}b\u{7}c\u{200b}d");
        let (markup, _) = of("<script>alert(1)</script>");

        assert_eq!(long.chars().count(), DeviceLabel::CHARS_MAX);
        assert_eq!(moving, "a\u{fffd}b\u{fffd}c\u{fffd}d");
        assert_eq!(class, DeviceClass::Other);
        assert_eq!(markup, "<script>alert(1)<");
        assert_eq!(
            of(&"é".repeat(2000)).0.chars().count(),
            DeviceLabel::CHARS_MAX
        );
    }

    #[test]
    fn given_client_hints_when_a_request_is_described_then_they_say_the_class() {
        let class = |hints: &[(&'static str, &'static str)]| {
            let agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0.0.0";
            let mut headers = HeaderMap::new();
            headers.insert(USER_AGENT, agent.parse().unwrap());
            for (name, value) in hints {
                headers.insert(*name, value.parse().unwrap());
            }
            describe_request(&headers).class
        };
        let android = ("sec-ch-ua-platform", "\"Android\"");

        assert_eq!(class(&[]), Some(DeviceClass::Desktop));
        assert_eq!(
            class(&[("sec-ch-ua-mobile", "?0")]),
            Some(DeviceClass::Desktop)
        );
        assert_eq!(
            class(&[("sec-ch-ua-mobile", "?1")]),
            Some(DeviceClass::Mobile)
        );
        assert_eq!(
            class(&[("sec-ch-ua-mobile", "?0"), android]),
            Some(DeviceClass::Tablet)
        );
        assert_eq!(
            class(&[("sec-ch-ua-mobile", "1, <x>")]),
            Some(DeviceClass::Desktop)
        );
    }
}
