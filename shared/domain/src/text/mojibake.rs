//! Text decoded in another encoding than it was encoded in.

/// The characters of Windows-1252 from 0x80 to 0x9F, or the control character itself where there is none (WHATWG
/// Encoding, index windows-1252).
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// From this many letters of other alphabets on, only wrong decoding explains a text.
const BEYOND_CHANCE: usize = 3;

/// The character of Windows-1252 in place of a control character; `None` if there is none.
pub(super) fn printable(control: char) -> Option<char> {
    let index = u32::from(control).checked_sub(0x80)?;
    WINDOWS_1252.get(index as usize).copied().filter(|c| !c.is_control())
}

/// The intended text, if this is plainly UTF-8 decoded as Windows-1252 or Latin-1: every character is one byte there,
/// all bytes together are UTF-8, and the result is text that is likely to be decoded so.
pub(super) fn repaired(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let bytes: Vec<u8> = text.chars().map(byte).collect::<Option<_>>()?;
    let meant = String::from_utf8(bytes).ok()?;
    let foreign: Vec<char> = meant.chars().filter(|c| !c.is_ascii()).collect();
    let is_western = |c: &char| matches!(c, '\u{a0}'..='\u{17f}' | '\u{2010}'..='\u{203a}' | '€' | '™');
    let is_text = |c: &char| is_western(c) || c.is_alphabetic();
    let others = foreign.iter().filter(|c| !is_western(c)).count();
    let is_plain = foreign.iter().all(is_text) && (others == 0 || others >= BEYOND_CHANCE);
    (is_plain && is_misread(text)).then_some(meant)
}

/// The byte that was decoded as this character.
fn byte(c: char) -> Option<u8> {
    if let Ok(byte) = u8::try_from(c) {
        return Some(byte);
    }
    let index = WINDOWS_1252.iter().position(|other| *other == c)?;
    u8::try_from(0x80 + index).ok()
}

/// Whether the text contains a sequence that nobody writes. A quotation mark, a dash or a no-break space may well
/// follow a letter such as `Ã`.
fn is_misread(text: &str) -> bool {
    let odd = |c: char| c.is_control() || !c.is_alphanumeric() && !c.is_ascii() && !"‘’“”–—\u{a0}".contains(c);
    let pairs = text.chars().zip(text.chars().skip(1));
    pairs.into_iter().any(|(first, second)| {
        first.is_alphabetic() && !first.is_ascii() && (odd(second) || "ŠŒŽšœžŸƒªºµ".contains(second))
    })
}
