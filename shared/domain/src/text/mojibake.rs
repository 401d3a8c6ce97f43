//! Text whose bytes were read in another encoding than they were written in.

/// What Windows-1252 has from 0x80 to 0x9F; where it has nothing, the control character itself (WHATWG Encoding, index
/// windows-1252).
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// From so many letters of other alphabets on, nothing but a misreading explains a text.
const BEYOND_CHANCE: usize = 3;

/// What Windows-1252 has in the place of a control character; `None` if it has none either.
pub(super) fn printable(control: char) -> Option<char> {
    let index = u32::from(control).checked_sub(0x80)?;
    WINDOWS_1252.get(index as usize).copied().filter(|c| !c.is_control())
}

/// The text that was meant, if this is plainly UTF-8 that was read as Windows-1252 or Latin-1: every character is one
/// byte there, all bytes together are UTF-8, and what they say is text that such misreadings come from.
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

/// The byte that was read as this character.
fn byte(c: char) -> Option<u8> {
    if let Ok(byte) = u8::try_from(c) {
        return Some(byte);
    }
    let index = WINDOWS_1252.iter().position(|other| *other == c)?;
    u8::try_from(0x80 + index).ok()
}

/// Whether something stands in the text that nobody writes. A quotation mark or a dash may well follow a letter such as
/// `Ã`, and so may a space that does not break.
fn is_misread(text: &str) -> bool {
    let odd = |c: char| c.is_control() || !c.is_alphanumeric() && !c.is_ascii() && !"‘’“”–—\u{a0}".contains(c);
    let pairs = text.chars().zip(text.chars().skip(1));
    pairs.into_iter().any(|(first, second)| {
        first.is_alphabetic() && !first.is_ascii() && (odd(second) || "ŠŒŽšœžŸƒªºµ".contains(second))
    })
}
