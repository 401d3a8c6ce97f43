//! Names of servers, normalised so that equal names are equal texts.

use url::Url;

/// The name of a server as it is looked up: ASCII (IDNA), lower case, at most 253 bytes. `None` for everything else,
/// such as an address, a name with a port or a wildcard, an IP address, and a name of one label.
pub fn normalise(text: &str) -> Option<String> {
    let host = idna::domain_to_ascii_strict(text.trim()).ok()?;
    let (_, top_label) = host.rsplit_once('.')?;
    let is_name = !top_label.is_empty() && !top_label.bytes().all(|byte| byte.is_ascii_digit());
    is_name.then_some(host)
}

/// The host of a web address, as [`Url`] writes it.
pub fn of_url(url: &str) -> Option<String> {
    Url::parse(url).ok()?.host_str().map(str::to_owned)
}

/// The host of an e-mail address, as it stands there.
pub fn of_address(address: &str) -> Option<&str> {
    address.rsplit_once('@').map(|(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_ascii_and_lower_case_and_nothing_but_a_name() {
        let fine = [
            ("Help.Example.COM", "help.example.com"),
            (" a.example ", "a.example"),
            ("B\u{fc}cher.example", "xn--bcher-kva.example"),
            ("Bu\u{308}cher。example", "xn--bcher-kva.example"),
        ];
        for (text, host) in fine {
            assert_eq!(normalise(text).as_deref(), Some(host), "{text}");
        }
        let long = format!("{}.example", ["b".repeat(63).as_str(); 4].join("."));
        for text in [
            "",
            "localhost",
            "https://a.example",
            "a.example/x",
            "a.example:443",
            "user@a.example",
            "*.a.example",
            "a.example.",
            ".a.example",
            "a..example",
            "a_b.example",
            "-a.example",
            "192.0.2.1",
            "[2001:db8::1]",
            "a b.example",
            "a.example\n.b",
            &long,
        ] {
            assert_eq!(normalise(text), None, "{text:?}");
        }
    }

    #[test]
    fn an_address_has_one_host() {
        assert_eq!(of_url("https://Portal.example.com:8443/x").as_deref(), Some("portal.example.com"));
        assert_eq!(of_url("https://portal.example.com@evil.example/").as_deref(), Some("evil.example"));
        assert_eq!((of_url("portal.example.com"), of_address("a@x.example")), (None, Some("x.example")));
    }
}
