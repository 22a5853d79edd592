//! BER-TLV: every value lies where its offset says, objects fill their parent, and what is written again reads the same.

use fuda_card::tlv::{DEPTH_MAX, Reader, Tlv, TlvError, Writer};

/// An object with all that is in it.
#[derive(Debug, PartialEq, Eq)]
enum Object {
    Primitive(u16, Vec<u8>),
    Constructed(u16, Vec<Object>),
}

/// Reads as deep as it goes; what reads to its end is written again and reads the same.
pub fn check(input: &[u8]) {
    let mut position = 0;
    for object in Reader::new(input) {
        match object {
            Ok(object) => {
                assert_eq!(&input[object.offset()..object.offset() + object.value.len()], object.value);
                assert!(object.offset() > position + 1, "a tag and a length stand before each value");
                position = object.offset() + object.value.len();
            }
            Err(TlvError::Truncated { offset } | TlvError::TagTooLong { offset } | TlvError::BadLength { offset }) => {
                assert!((position..=input.len()).contains(&offset));
            }
            Err(error @ TlvError::TooDeep { .. }) => panic!("{error} at the top"),
        }
    }
    if let Some(objects) = read(Reader::new(input), input, 0) {
        assert_eq!(position, input.len(), "nothing is left over");
        let written = write(&objects).finish();
        assert!(written.len() <= input.len(), "the shortest form is not longer");
        assert_eq!(read(Reader::new(&written), &written, 0).as_deref(), Some(objects.as_slice()));
        assert_eq!(write(&read(Reader::new(&written), &written, 0).unwrap()).finish(), written);
    }
}

/// All objects; `None` where the top is broken. A constructed object whose inside is not is kept as bytes.
fn read(reader: Reader<'_>, input: &[u8], depth: u8) -> Option<Vec<Object>> {
    reader.map(|object| object.ok().map(|object| one(&object, input, depth))).collect()
}

fn one(object: &Tlv<'_>, input: &[u8], depth: u8) -> Object {
    assert!(depth <= DEPTH_MAX);
    assert_eq!(&input[object.offset()..][..object.value.len()], object.value, "offsets count from the outermost byte");
    let inner = if object.is_constructed() { object.children().ok() } else { None };
    match inner.and_then(|inner| read(inner, input, depth + 1)) {
        Some(inner) => Object::Constructed(object.tag, inner),
        None => Object::Primitive(object.tag, object.value.to_vec()),
    }
}

fn write(objects: &[Object]) -> Writer {
    objects.iter().fold(Writer::new(), |writer, object| match object {
        Object::Primitive(tag, value) => writer.put(*tag, value),
        Object::Constructed(tag, inner) => writer.put_constructed(*tag, &write(inner)),
    })
}
