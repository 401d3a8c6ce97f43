//! How numbers lie in bytes: unsigned integers of variable length (LEB128), a version in front, a checksum behind.

use sha2::{Digest, Sha256};

/// Bytes of the checksum.
const CHECKSUM: usize = 8;

/// Bytes that this version did not write, or that are not as they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("derived numbers are not in the expected form: {0}")]
pub struct Damaged(pub(super) &'static str);

/// Bytes that are being written.
#[derive(Debug, Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub fn versioned(version: u8) -> Self {
        Self(vec![version])
    }

    pub fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }

    pub fn size(&mut self, size: usize) {
        self.number(size as u64);
    }

    pub fn text(&mut self, text: &str) {
        self.size(text.len());
        self.bytes(text.as_bytes());
    }

    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    /// The bytes with their checksum.
    pub fn sealed(mut self) -> Vec<u8> {
        let sum = checksum(&self.0);
        self.bytes(&sum);
        self.0
    }
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    first_bytes(&Sha256::digest(bytes))
}

/// The first bytes of a hash.
pub(super) fn first_bytes<const N: usize>(hash: &[u8]) -> [u8; N] {
    std::array::from_fn(|i| hash[i])
}

/// Bytes that are being read.
#[derive(Clone, Debug)]
pub(super) struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    pub fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    /// What [`Writer::sealed`] wrote, behind the version.
    pub fn sealed(bytes: &'b [u8], version: u8) -> Result<Self, Damaged> {
        let end = bytes.len().checked_sub(CHECKSUM).ok_or(Damaged("too short"))?;
        let (body, sum) = bytes.split_at(end);
        if checksum(body) != sum {
            return Err(Damaged("checksum"));
        }
        let mut reader = Self(body);
        if reader.byte()? == version { Ok(reader) } else { Err(Damaged("version")) }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> Result<u8, Damaged> {
        Ok(self.array::<1>()?[0])
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        let (array, rest) = self.0.split_first_chunk::<N>().ok_or(Damaged("ends early"))?;
        self.0 = rest;
        Ok(*array)
    }

    pub fn number(&mut self) -> Result<u64, Damaged> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Damaged("a number is too long"))
    }

    pub fn small(&mut self) -> Result<u32, Damaged> {
        u32::try_from(self.number()?).map_err(|_| Damaged("a number is too large"))
    }

    /// How many elements follow, of at least `bytes` each: more than there is room for are none.
    pub fn length(&mut self, bytes: usize) -> Result<usize, Damaged> {
        let length = usize::try_from(self.number()?).map_err(|_| Damaged("a length is too large"))?;
        if length.saturating_mul(bytes) > self.0.len() { Err(Damaged("ends early")) } else { Ok(length) }
    }

    pub fn slice(&mut self, length: usize) -> Result<&'b [u8], Damaged> {
        let (slice, rest) = self.0.split_at_checked(length).ok_or(Damaged("ends early"))?;
        self.0 = rest;
        Ok(slice)
    }

    pub fn text(&mut self) -> Result<&'b str, Damaged> {
        let length = self.length(1)?;
        std::str::from_utf8(self.slice(length)?).map_err(|_| Damaged("a text is no UTF-8"))
    }

    pub fn end(self) -> Result<(), Damaged> {
        if self.is_empty() { Ok(()) } else { Err(Damaged("goes on after its end")) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_and_texts_come_out_as_they_went_in(numbers in prop::collection::vec(any::<u64>(), 0..20), text in ".{0,40}") {
            let mut writer = Writer::versioned(7);
            for number in &numbers {
                writer.number(*number);
            }
            writer.text(&text);
            let bytes = writer.sealed();
            let mut reader = Reader::sealed(&bytes, 7).expect("sealed");
            for number in &numbers {
                prop_assert_eq!(reader.number(), Ok(*number));
            }
            prop_assert_eq!(reader.text(), Ok(text.as_str()));
            prop_assert_eq!(reader.end(), Ok(()));
        }
    }

    #[test]
    fn other_versions_lengths_and_endings_are_damage() {
        let sealed = Writer::versioned(1).sealed();
        assert_eq!(Reader::sealed(&sealed, 2).err(), Some(Damaged("version")));
        assert_eq!(Reader::sealed(&sealed[1..], 1).err(), Some(Damaged("checksum")));
        assert_eq!(Reader::sealed(&sealed[..3], 1).err(), Some(Damaged("too short")));
        assert_eq!(Reader::new(&[0xff; 10]).number(), Err(Damaged("a number is too long")));
        assert_eq!(Reader::new(&[0xff; 5]).number(), Err(Damaged("ends early")));
        assert_eq!(Reader::new(&[9, 1]).length(1), Err(Damaged("ends early")));
        assert_eq!(Reader::new(&[1, 0xff]).text(), Err(Damaged("a text is no UTF-8")));
        assert_eq!(Reader::new(&[1]).end(), Err(Damaged("goes on after its end")));
    }
}
