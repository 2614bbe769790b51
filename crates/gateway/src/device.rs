//! What a browser calls itself, in words. Decoration: nothing is decided by it.

/// The most that is shown of a text that is not recognised, in characters.
const SHOWN_MAX: usize = 40;

/// Which sign in a user agent stands for which browser; the first that is there counts, because
/// all of them also claim to be the later ones.
const BROWSERS: [(&str, &str); 10] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
    ("Trident/", "Internet Explorer"),
];

/// The same for systems.
const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "Mac"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
];

/// What to call the browser or app that a session was opened from.
///
/// The text is hostile: it is bounded here, and escaped where it is shown.
pub(crate) fn label(user_agent: Option<&str>) -> String {
    let Some(text) = user_agent.filter(|text| !text.trim().is_empty()) else {
        return "Unknown device".to_owned();
    };
    match (first(text, &BROWSERS), first(text, &SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => {
            let product = text.split(['/', ' ']).next().unwrap_or_default();
            product.chars().take(SHOWN_MAX).map(harmless).collect()
        }
    }
}

fn first(text: &str, names: &[(&str, &'static str)]) -> Option<&'static str> {
    let (_, name) = names.iter().find(|(sign, _)| text.contains(sign))?;
    Some(name)
}

/// The character, unless it would move, hide or break the text around it.
fn harmless(c: char) -> char {
    let hides = matches!(
        c,
        '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}'
    );
    if c.is_control() || hides {
        char::REPLACEMENT_CHARACTER
    } else {
        c
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_the_user_agents_of_browsers_when_named_then_people_know_them() {
        for (user_agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 HeadlessChrome/126.0.0.0 Safari/537.36",
                "Chrome on Linux",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/126.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            ("curl/8.9.1", "curl"),
        ] {
            assert_eq!(label(Some(user_agent)), name);
        }
    }

    #[test]
    fn given_nothing_when_named_then_it_is_unknown() {
        assert_eq!(label(None), "Unknown device");
        assert_eq!(label(Some("  ")), "Unknown device");
    }

    #[test]
    fn given_hostile_text_when_named_then_it_is_short_and_stays_in_its_place() {
        let long = label(Some(&"x".repeat(1000)));
        let moving = label(Some("a\u{202e}b\u{7}c\u{200b}"));

        assert_eq!(long.chars().count(), SHOWN_MAX);
        assert_eq!(moving, "a\u{fffd}b\u{fffd}c\u{fffd}");
    }
}
