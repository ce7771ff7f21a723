//! Image file directories of a TIFF or BigTIFF, in both byte orders (TIFF 6.0, section 2; the BigTIFF design).
//! Knows fields, not what they mean; follows the chain of directories as far as the wanted one, and never in a circle.

use crate::header::{Stop, unsupported};
use crate::ranges::Reader;
use std::collections::HashSet;

/// More fields than any writer puts into a directory.
const MOST_FIELDS: u64 = 4096;

/// The tags that are read.
pub(crate) mod tag {
    pub(crate) const SUBFILE_TYPE: u16 = 254;
    pub(crate) const WIDTH: u16 = 256;
    pub(crate) const HEIGHT: u16 = 257;
    pub(crate) const BITS: u16 = 258;
    pub(crate) const COMPRESSION: u16 = 259;
    pub(crate) const PHOTOMETRIC: u16 = 262;
    pub(crate) const FILL_ORDER: u16 = 266;
    pub(crate) const DESCRIPTION: u16 = 270;
    pub(crate) const STRIP_OFFSETS: u16 = 273;
    pub(crate) const ORIENTATION: u16 = 274;
    pub(crate) const SAMPLES: u16 = 277;
    pub(crate) const ROWS_PER_STRIP: u16 = 278;
    pub(crate) const STRIP_COUNTS: u16 = 279;
    pub(crate) const PLANAR: u16 = 284;
    pub(crate) const PREDICTOR: u16 = 317;
    pub(crate) const COLOR_MAP: u16 = 320;
    pub(crate) const TILE_WIDTH: u16 = 322;
    pub(crate) const TILE_HEIGHT: u16 = 323;
    pub(crate) const TILE_OFFSETS: u16 = 324;
    pub(crate) const TILE_COUNTS: u16 = 325;
    pub(crate) const SUB_DIRECTORIES: u16 = 330;
    pub(crate) const EXTRA_SAMPLES: u16 = 338;
    pub(crate) const SAMPLE_FORMAT: u16 = 339;
    pub(crate) const JPEG_TABLES: u16 = 347;
    pub(crate) const ICC: u16 = 34675;
    pub(crate) const X_RESOLUTION: u16 = 282;
    pub(crate) const Y_RESOLUTION: u16 = 283;
    pub(crate) const RESOLUTION_UNIT: u16 = 296;
    pub(crate) const MODEL_SCALE: u16 = 33550;
    pub(crate) const MODEL_POINTS: u16 = 33922;
    pub(crate) const MODEL_MATRIX: u16 = 34264;
    pub(crate) const GEO_KEYS: u16 = 34735;
    pub(crate) const GEO_DOUBLES: u16 = 34736;
    pub(crate) const GEO_TEXT: u16 = 34737;
    pub(crate) const NO_DATA: u16 = 42113;
}

/// A field's values: where they stand, how many, and how many bytes each has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Values {
    /// Position of the first in the file.
    pub(crate) at: u64,
    pub(crate) count: u64,
    /// Bytes of one: 1, 2, 4 or 8; 0 of a type that does not exist.
    pub(crate) width: u64,
    /// Their type, by its number in TIFF 6.0 and BigTIFF.
    kind: u16,
}

/// A directory's fields, with what is needed to read their values.
#[derive(Debug)]
pub(crate) struct Directory<'a> {
    pub(crate) reader: Reader<'a>,
    pub(crate) big_endian: bool,
    dialect: Dialect,
    fields: Vec<(u16, Values)>,
    /// Where the place of the next directory stands.
    link: u64,
}

/// How numbers and fields are written.
#[derive(Debug, Clone, Copy)]
struct Dialect {
    big_endian: bool,
    /// BigTIFF: counts and offsets have 8 bytes.
    big: bool,
}

impl Dialect {
    fn read(reader: &Reader) -> Result<Dialect, Stop> {
        match reader.array(0)? {
            [b'I', b'I', 42, 0] => Ok(Dialect { big_endian: false, big: false }),
            [b'M', b'M', 0, 42] => Ok(Dialect { big_endian: true, big: false }),
            [b'I', b'I', 43, 0] => Ok(Dialect { big_endian: false, big: true }),
            [b'M', b'M', 0, 43] => Ok(Dialect { big_endian: true, big: true }),
            _ => reader.damaged("unknown byte order mark"),
        }
    }

    fn number(self, bytes: &[u8]) -> u64 {
        number(bytes, self.big_endian)
    }

    /// The place in the file that is written at `at`.
    fn offset(self, reader: &Reader, at: u64) -> Result<u64, Stop> {
        Ok(self.number(reader.bytes(at, if self.big { 8 } else { 4 })?))
    }
}

/// The unsigned integer of up to 8 bytes.
pub(crate) fn number(bytes: &[u8], big_endian: bool) -> u64 {
    let push = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
    if big_endian { bytes.iter().fold(0, push) } else { bytes.iter().rev().fold(0, push) }
}

impl<'a> Directory<'a> {
    /// The directory of page `page`, counted from 0 along the chain of directories.
    pub(crate) fn of_page(reader: Reader<'a>, page: u32) -> Result<Directory<'a>, Stop> {
        let dialect = Dialect::read(&reader)?;
        if dialect.big && dialect.number(reader.bytes(4, 4)?) != if dialect.big_endian { 8 << 16 } else { 8 }
        {
            return reader.damaged("a BigTIFF whose offsets are not of 8 bytes");
        }
        let start = dialect.offset(&reader, if dialect.big { 8 } else { 4 })?;
        Directory::read(reader, dialect, start)?.page(start, page)
    }

    /// The directory number `page` of the chain whose first is this one, at `first`.
    fn page(self, first: u64, page: u32) -> Result<Directory<'a>, Stop> {
        let mut seen = HashSet::from([first]);
        let mut directory = self;
        for number in 1..=page {
            let next = directory.next()?;
            if next == 0 {
                return unsupported(format!(
                    "the TIFF has {number} pages, and source.page {page} is asked for: pages are counted from 0"
                ));
            }
            if !seen.insert(next) {
                return directory.reader.damaged("its directories form a circle");
            }
            directory = directory.other(next)?;
        }
        Ok(directory)
    }

    /// The directory of the same file at `start`.
    pub(crate) fn other(&self, start: u64) -> Result<Directory<'a>, Stop> {
        Directory::read(self.reader, self.dialect, start)
    }

    /// Where the next directory of the chain begins; 0 where this one is the last.
    pub(crate) fn next(&self) -> Result<u64, Stop> {
        self.dialect.offset(&self.reader, self.link)
    }

    fn read(reader: Reader<'a>, dialect: Dialect, start: u64) -> Result<Directory<'a>, Stop> {
        let (count_width, field_width) = if dialect.big { (8, 20) } else { (2, 12) };
        let count = dialect.number(reader.bytes(start, count_width)?);
        if count > MOST_FIELDS {
            return reader.damaged(format!("a directory of {count} fields"));
        }
        let at = start.saturating_add(count_width);
        let bytes = reader.bytes(at, count * field_width)?;
        let fields = bytes.chunks_exact(field_width as usize).zip(0..);
        let fields = fields.map(|(bytes, index)| field(dialect, bytes, at + index * field_width)).collect();
        let link = at + count * field_width;
        Ok(Directory { reader, big_endian: dialect.big_endian, dialect, fields, link })
    }

    /// The values of a field, if it is there.
    pub(crate) fn values(&self, tag: u16) -> Option<Values> {
        self.fields.iter().find(|(candidate, _)| *candidate == tag).map(|(_, values)| *values)
    }

    /// As [`Directory::values`], of a field that must hold whole numbers if it is there: taken for absent, it would stand for
    /// something else. Signed ones are read as unsigned, so that a negative one is out of any range.
    pub(crate) fn integers(&self, tag: u16) -> Result<Option<Values>, Stop> {
        let whole =
            |values: &Values| values.count > 0 && matches!(values.kind, 1 | 3 | 4 | 6 | 8 | 9 | 13 | 16..=18);
        match self.values(tag) {
            Some(values) if !whole(&values) => {
                self.reader.damaged(format!("tag {tag} holds no whole number"))
            }
            values => Ok(values),
        }
    }

    /// The first value of a field of whole numbers.
    pub(crate) fn uint(&self, tag: u16) -> Result<Option<u64>, Stop> {
        let first = |values| self.numbers(&Values { count: 1, ..values }).map(|numbers| numbers[0]);
        self.integers(tag)?.map(first).transpose()
    }

    /// The first value of a field that must be there.
    pub(crate) fn required(&self, tag: u16, name: &str) -> Result<u64, Stop> {
        self.uint(tag)?.map_or_else(|| self.reader.damaged(format!("it has no {name}")), Ok)
    }

    /// Up to `most` values of a field of whole numbers; none where the field is absent.
    pub(crate) fn uints(&self, tag: u16, most: u64) -> Result<Vec<u64>, Stop> {
        match self.integers(tag)? {
            Some(values) => self.numbers(&Values { count: values.count.min(most), ..values }),
            None => Ok(Vec::new()),
        }
    }

    /// Up to `most` values of a field of doubles or of ratios; none where it is absent, or of another type.
    pub(crate) fn floats(&self, tag: u16, most: u64) -> Result<Vec<f64>, Stop> {
        let Some(values) = self.values(tag).filter(|values| matches!(values.kind, 5 | 12)) else {
            return Ok(Vec::new());
        };
        let bytes = self.reader.bytes(values.at, values.count.min(most) * values.width)?;
        let half = |bytes: &[u8]| number(bytes, self.big_endian) as f64;
        let float = |bytes: &[u8]| match values.kind {
            12 => f64::from_bits(number(bytes, self.big_endian)),
            _ => half(&bytes[..4]) / half(&bytes[4..]),
        };
        Ok(bytes.chunks_exact(values.width as usize).map(float).collect())
    }

    fn numbers(&self, values: &Values) -> Result<Vec<u64>, Stop> {
        let bytes = self.reader.bytes(values.at, values.count.saturating_mul(values.width))?;
        Ok(bytes.chunks_exact(values.width as usize).map(|bytes| number(bytes, self.big_endian)).collect())
    }

    /// The first bytes, at most `most`, of a field of bytes; none where it is absent.
    pub(crate) fn start_of(&self, tag: u16, most: u64) -> Result<&'a [u8], Stop> {
        match self.values(tag).filter(|values| values.width == 1) {
            Some(values) => self.reader.bytes(values.at, values.count.min(most)),
            None => Ok(&[]),
        }
    }

    /// The bytes of a field of bytes, if it is there and has at most `most` of them.
    pub(crate) fn blob(&self, tag: u16, most: u64, name: &str) -> Result<Option<&'a [u8]>, Stop> {
        match self.values(tag) {
            Some(values) if values.count > most || values.width != 1 => {
                self.reader.damaged(format!("{} values in {name}", values.count))
            }
            Some(values) => self.reader.bytes(values.at, values.count).map(Some),
            None => Ok(None),
        }
    }
}

/// A field from its 12 or 20 bytes at `at`. Values that fit into the field stand in it, others where it points to.
fn field(dialect: Dialect, bytes: &[u8], at: u64) -> (u16, Values) {
    let (tag, kind) = (dialect.number(&bytes[..2]) as u16, dialect.number(&bytes[2..4]));
    let width = match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16 | 17 | 18 => 8,
        _ => 0,
    };
    let inline = if dialect.big { 12 } else { 8 };
    let count = dialect.number(&bytes[4..inline]);
    let fits = count.saturating_mul(width) <= (bytes.len() - inline) as u64;
    let at = if fits { at + inline as u64 } else { dialect.number(&bytes[inline..]) };
    (tag, Values { at, count, width, kind: kind as u16 })
}
