//! Writes small TIFFs of chosen fields, right in form whatever the values mean. One image of 3 x 2 gray pixels, unless the
//! fields say otherwise.

/// A field: tag, type, and the bytes of its values in the file's order.
pub(crate) type Field = (u16, u16, Vec<u8>);

pub(crate) const BYTE: u16 = 1;
pub(crate) const ASCII: u16 = 2;
pub(crate) const SHORT: u16 = 3;
pub(crate) const LONG: u16 = 4;
pub(crate) const RATIONAL: u16 = 5;
pub(crate) const DOUBLE: u16 = 12;

/// A file of one directory with `fields`, and those of a plain image that they do not name.
pub(crate) fn file(big_endian: bool, fields: &[Field]) -> Vec<u8> {
    let four = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let two = |value: u16| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let plain = [(256, 3), (257, 2), (258, 8), (259, 1), (262, 1), (273, 4), (277, 1), (279, 6)];
    let mut all: Vec<Field> = fields.to_vec();
    let named = |tag: u16| fields.iter().any(|(other, ..)| *other == tag);
    all.extend(
        plain
            .into_iter()
            .filter(|(tag, _)| !named(*tag))
            .map(|(tag, value)| (tag, LONG, four(value).to_vec())),
    );
    all.sort_by_key(|(tag, ..)| *tag);
    let mut bytes =
        [&(if big_endian { *b"MM\0*" } else { *b"II*\0" })[..], &four(8), &two(all.len() as u16)].concat();
    let mut behind = Vec::new();
    let end = bytes.len() + 12 * all.len() + 4;
    for (tag, kind, values) in all {
        let width = match kind {
            SHORT => 2,
            LONG => 4,
            RATIONAL | DOUBLE => 8,
            _ => 1,
        };
        bytes.extend([two(tag), two(kind)].concat());
        bytes.extend(four((values.len() / width) as u32));
        if values.len() / width * width <= 4 {
            let mut place = values;
            place.resize(4, 0);
            bytes.extend(place);
        } else {
            bytes.extend(four((end + behind.len()) as u32));
            behind.extend(values);
        }
    }
    [bytes, vec![0; 4], behind].concat()
}

/// As many values of 32 bits.
pub(crate) fn longs(big_endian: bool, values: impl IntoIterator<Item = u32>) -> Vec<u8> {
    let bytes = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    values.into_iter().flat_map(bytes).collect()
}
