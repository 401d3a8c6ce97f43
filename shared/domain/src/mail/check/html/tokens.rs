//! The tokens of an HTML source, with the bytes that each stands in.

use std::borrow::Cow;
use std::ops::Range;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Error, Span, Tokenizer};

/// A piece of HTML, and what its span covers.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Token {
    /// `<p`, perhaps with the byte after it.
    Open(String),
    /// Without value: the name. With value: the value between its quotes; character references are resolved in the text
    /// here.
    Attribute(String, Option<String>),
    /// The `>` of a start tag.
    Opened,
    /// `</p>`.
    Close(String),
    /// Text up to the next tag.
    Text,
    /// A comment, from `<` to `>`.
    Comment(String),
    /// The doctype.
    Doctype,
    /// Something that the standard calls an error; the span is near it.
    Error(Error),
}

/// The source with letters in place of these ranges.
pub(in super::super) fn filled<'r>(source: &str, ranges: impl Iterator<Item = &'r Range<usize>>) -> String {
    let mut filled = String::with_capacity(source.len());
    for range in ranges {
        filled.push_str(&source[filled.len()..range.start]);
        filled.extend(std::iter::repeat_n('a', range.len()));
    }
    filled.push_str(&source[filled.len()..]);
    filled
}

/// Every token, in the order of the source. An attribute comes twice if it has a value: name, then value.
pub(in super::super) fn tokens(html: &str) -> Vec<(Token, Range<usize>)> {
    let mut attribute = String::new();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut emitter = CallbackEmitter::new(move |event: CallbackEvent<'_>, span: Span<usize>| {
        let token = match event {
            CallbackEvent::OpenStartTag { name } => Token::Open(text(name)),
            CallbackEvent::AttributeName { name } => {
                attribute = text(name);
                Token::Attribute(attribute.clone(), None)
            }
            CallbackEvent::AttributeValue { value } => Token::Attribute(attribute.clone(), Some(text(value))),
            CallbackEvent::CloseStartTag { .. } => Token::Opened,
            CallbackEvent::EndTag { name } => Token::Close(text(name)),
            CallbackEvent::String { .. } => Token::Text,
            CallbackEvent::Comment { value } => Token::Comment(text(value)),
            CallbackEvent::Doctype { .. } => Token::Doctype,
            CallbackEvent::Error(error) => Token::Error(error),
        };
        Some((token, span.start..span.end))
    });
    emitter.naively_switch_states(true);
    Tokenizer::new_with_emitter(html, emitter).map(|Ok(token)| token).collect()
}

/// A piece of text as it is read: with its character references resolved.
pub(in super::super) fn read(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return text.into();
    }
    let emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, _: Span<()>| match event {
        CallbackEvent::String { value } => Some(String::from_utf8_lossy(value).into_owned()),
        _ => None,
    });
    Tokenizer::new_with_emitter(text, emitter).map(|Ok(read)| read).collect::<String>().into()
}
