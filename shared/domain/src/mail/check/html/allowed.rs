//! Allow-lists of elements and attributes, without any that run, fetch or send by themselves.

use url::Url;

use super::tracking::NO_TRACK;

const ELEMENTS: &str = "\
    html head title meta style body div span p a img br hr wbr center font table caption colgroup col thead \
    tbody tfoot tr td th h1 h2 h3 h4 h5 h6 ul ol li dl dt dd b strong i em u s strike del ins small big sub sup \
    mark code kbd samp var pre tt blockquote q cite abbr time address article section header footer main nav \
    aside figure figcaption";

const ATTRIBUTES: &str = "\
    abbr align alt bgcolor border bordercolor cellpadding cellspacing char charset class clear color colspan \
    compact content datetime dir face frame headers height hidden hspace http-equiv id lang link media name \
    noshade nowrap rel reversed role rowspan rules scope size span start summary tabindex target text title \
    translate type valign vlink width xml:lang";

/// Elements whose content a tokenizer always treats as text.
const WITHOUT_MARKUP: &str = "\
    title style script textarea xmp iframe noembed noframes noscript plaintext";

/// Allowed values of `http-equiv`; the others redirect, or change what the page may do.
const HTTP_EQUIV: [&str; 3] = ["content-type", "x-ua-compatible", "content-language"];

fn is_listed(list: &str, name: &str) -> bool {
    list.split(' ').any(|listed| listed == name)
}

pub(in super::super) fn has_no_markup_inside(element: &str) -> bool {
    is_listed(WITHOUT_MARKUP, element)
}

pub(in super::super) fn element(name: &str, quoted: &str) -> Result<(), String> {
    if is_listed(ELEMENTS, name) {
        Ok(())
    } else if name == "script" {
        Err("scripts are not possible in an e-mail".to_owned())
    } else {
        Err(format!("`{}` is not possible in an e-mail", quoted.trim_end_matches(['>', '/', ' ']).to_owned() + ">"))
    }
}

/// Whether this element may have an attribute of this name. `background` is never allowed: a style sheet can control
/// whether it is fetched, and could spell out the activation link with attribute selectors.
pub(in super::super) fn attribute(element: &str, name: &str) -> Result<(), String> {
    let known = is_listed(ATTRIBUTES, name) || name.starts_with("aria-") || name.starts_with("data-");
    let by_element = match name {
        "style" => true,
        "href" | NO_TRACK => element == "a",
        "src" => element == "img",
        "xmlns" => element == "html",
        _ => known,
    };
    if by_element {
        Ok(())
    } else if name.starts_with("on") {
        Err(format!("`{name}` is not possible: an e-mail runs no scripts"))
    } else {
        Err(format!("the attribute `{name}` is not possible on `<{element}>`"))
    }
}

/// Whether the attribute, which may stand here, may have this value. `raw` is the value as it stands in the source.
pub(in super::super) fn value(
    element: &str,
    name: &str,
    value: &str,
    raw: &str,
    has_mustache: bool,
) -> Result<(), String> {
    match name {
        "href"
            if ["{{activationLink}}", "{{division.portalUrl}}", "mailto:{{division.contactAddress}}"]
                .contains(&raw) =>
        {
            Ok(())
        }
        "src" if element == "img" && raw == "{{division.logoUrl}}" => Ok(()),
        "href" => address(name, value, has_mustache, &["http", "https", "mailto"]),
        "src" => address(name, value, has_mustache, &["http", "https"]),
        "style" if has_mustache => Err("no placeholder may stand in a style".to_owned()),
        "xmlns" if raw != "http://www.w3.org/1999/xhtml" => Err("`xmlns` can only be that of XHTML".to_owned()),
        "http-equiv" if !HTTP_EQUIV.contains(&value.to_ascii_lowercase().as_str()) || has_mustache => {
            Err(format!("`http-equiv` can only be {}", HTTP_EQUIV.join(", ")))
        }
        _ if has_mustache && attribute(element, name).is_err() => {
            Err(format!("no placeholder may stand in the attribute `{name}`"))
        }
        _ => Ok(()),
    }
}

/// Whether a literal address is one of these schemes, written out in full and without tricks.
fn address(name: &str, value: &str, has_mustache: bool, schemes: &[&str]) -> Result<(), String> {
    if has_mustache {
        let whole = match name {
            "href" => "`{{activationLink}}`, `{{division.portalUrl}}` or `mailto:{{division.contactAddress}}`",
            _ => "`{{division.logoUrl}}`",
        };
        return Err(format!("an address with a placeholder must be the placeholder alone: in `{name}`, {whole}"));
    }
    let scheme = value.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase()).unwrap_or_default();
    let plain = !value.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\');
    let whole = scheme == "mailto" || value[scheme.len()..].starts_with("://");
    // `https://portal.example.com@elsewhere.example/` leads elsewhere, whatever it looks like.
    let server = value[scheme.len()..].trim_start_matches([':', '/']).split(['/', '?', '#']).next().unwrap_or_default();
    if scheme != "mailto" && server.contains('@') {
        Err(format!("an address in `{name}` has no user name and no `@` before its server's name"))
    } else if plain && schemes.contains(&scheme.as_str()) && whole && Url::parse(value).is_ok() {
        Ok(())
    } else {
        let schemes: Vec<_> = schemes.iter().map(|scheme| format!("{scheme}:")).collect();
        Err(format!("`{name}` must be an address in full, beginning with {}", schemes.join(", ")))
    }
}
