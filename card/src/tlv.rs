//! BER-TLV data objects: ISO/IEC 7816-4:2020 §6.3 and annex E (ISO/IEC 8825-1 distinguished lengths).
//!
//! Tags of one or two bytes, definite lengths up to four length bytes, nesting up to [`DEPTH_MAX`].

use thiserror::Error;

/// Deepest nesting of constructed objects that [`Tlv::children`] follows: no card structure here needs more than three.
pub const DEPTH_MAX: u8 = 8;

/// One data object inside a byte string; borrows its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// Tag, one or two bytes as a number (`6F`, `9F7F`).
    pub tag: u16,
    /// Value field.
    pub value: &'a [u8],
    offset: usize,
    depth: u8,
}

impl<'a> Tlv<'a> {
    /// Position of the value field in the outermost byte string.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Whether the tag marks a constructed object (b6 of its first byte).
    #[must_use]
    pub const fn is_constructed(&self) -> bool {
        let first = if self.tag > 0xFF { self.tag >> 8 } else { self.tag };
        first & 0x20 != 0
    }

    /// The objects inside a constructed object.
    ///
    /// # Errors
    /// [`TlvError::TooDeep`] beyond [`DEPTH_MAX`].
    pub fn children(&self) -> Result<Reader<'a>, TlvError> {
        if self.depth >= DEPTH_MAX {
            return Err(TlvError::TooDeep { offset: self.offset });
        }
        Ok(Reader { bytes: self.value, position: 0, base: self.offset, depth: self.depth + 1 })
    }
}

/// Reads data objects one after the other; after an error it yields nothing more.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    base: usize,
    depth: u8,
}

impl<'a> Reader<'a> {
    /// Reads the objects in `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0, base: 0, depth: 0 }
    }

    fn byte(&mut self) -> Result<u8, TlvError> {
        let byte = self.bytes.get(self.position).ok_or(TlvError::Truncated { offset: self.base + self.position })?;
        self.position += 1;
        Ok(*byte)
    }

    fn object(&mut self) -> Result<Tlv<'a>, TlvError> {
        let start = self.base + self.position;
        let first = self.byte()?;
        let tag = if first & 0x1F == 0x1F {
            let second = self.byte()?;
            if second & 0x80 != 0 {
                return Err(TlvError::TagTooLong { offset: start });
            }
            u16::from_be_bytes([first, second])
        } else {
            u16::from(first)
        };
        let length = self.length()?;
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let value = rest.get(..length).ok_or(TlvError::Truncated { offset: self.base + self.bytes.len() })?;
        let offset = self.base + self.position;
        self.position += length;
        Ok(Tlv { tag, value, offset, depth: self.depth })
    }

    fn length(&mut self) -> Result<usize, TlvError> {
        let start = self.base + self.position;
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(usize::from(first));
        }
        let count = first & 0x7F;
        if !(1..=4).contains(&count) {
            return Err(TlvError::BadLength { offset: start });
        }
        let mut length = 0usize;
        for _ in 0..count {
            length = (length << 8) | usize::from(self.byte()?);
        }
        Ok(length)
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Tlv<'a>, TlvError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.position >= self.bytes.len() {
            return None;
        }
        let object = self.object();
        if object.is_err() {
            self.position = self.bytes.len();
        }
        Some(object)
    }
}

/// Writes data objects into a byte string.
#[derive(Debug, Clone, Default)]
pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// An empty byte string.
    #[must_use]
    pub const fn new() -> Self {
        Self { out: Vec::new() }
    }

    /// Appends one object; its length field is the shortest that fits.
    #[must_use]
    pub fn put(mut self, tag: u16, value: &[u8]) -> Self {
        let [high, low] = tag.to_be_bytes();
        if high != 0 {
            self.out.push(high);
        }
        self.out.push(low);
        self.push_length(value.len());
        self.out.extend_from_slice(value);
        self
    }

    /// Appends a constructed object that holds what `inner` has written.
    #[must_use]
    pub fn put_constructed(self, tag: u16, inner: &Self) -> Self {
        self.put(tag, &inner.out)
    }

    /// The bytes written.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    fn push_length(&mut self, length: usize) {
        let bytes = length.to_be_bytes();
        let significant: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
        match significant.as_slice() {
            [] => self.out.push(0),
            [short] if *short < 0x80 => self.out.push(*short),
            long => {
                self.out.push(0x80 | u8::try_from(long.len()).unwrap_or(0x7F));
                self.out.extend_from_slice(long);
            }
        }
    }
}

/// Bytes that are not a BER-TLV data object; `offset` counts from the start of the outermost byte string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TlvError {
    /// The bytes end before the object does.
    #[error("data object is cut off at byte {offset}")]
    Truncated {
        /// Where the bytes end.
        offset: usize,
    },
    /// A tag of three or more bytes.
    #[error("tag at byte {offset} is longer than two bytes")]
    TagTooLong {
        /// Where the tag starts.
        offset: usize,
    },
    /// An indefinite length or one of more than four bytes.
    #[error("length field at byte {offset} is not a definite length of at most four bytes")]
    BadLength {
        /// Where the length field starts.
        offset: usize,
    },
    /// Nesting beyond [`DEPTH_MAX`].
    #[error("data objects at byte {offset} are nested too deep")]
    TooDeep {
        /// Where the value starts.
        offset: usize,
    },
}
