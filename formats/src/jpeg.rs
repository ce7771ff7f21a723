//! The header of a JPEG: the marker segments before the first scan (ITU-T T.81). Never touches entropy-coded data.

use crate::exif;
use crate::header::{Header, Kind, Stop, checked_size, unsupported};
use crate::icc::Icc;
use crate::notes::{Notes, Resolution, Unit};
use crate::orientation::Orientation;
use crate::ranges::Reader;
use tessera_core::geometry::Size;
use tessera_core::pixel::{Channels, Depth, PixelType};

/// More segments than any encoder writes before the first scan.
const MOST_SEGMENTS: u32 = 2000;

/// The largest side that the decoder takes.
const LARGEST_SIDE: u32 = 65_500;

/// The header of a JPEG, whose first marker has been checked.
pub(crate) fn parse(reader: Reader) -> Result<Header, Stop> {
    let mut segments =
        Segments { reader, frame: None, orientation: None, profile: Vec::new(), resolution: None };
    segments.read()?;
    let Some(frame) = segments.frame.take() else {
        return reader.damaged("it has no frame header before the first scan");
    };
    let icc = segments.icc();
    let orientation = segments.orientation.unwrap_or(Orientation::NORMAL);
    let pixel = PixelType::new(frame.channels, Depth::U8);
    let Frame { components, progressive, .. } = frame;
    let notes = Notes { resolution: segments.resolution, ..Notes::default() };
    Ok(Header::new(Kind::Jpeg { progressive, components }, frame.size, pixel, orientation, icc).with(notes))
}

/// What a frame header says.
struct Frame {
    size: Size,
    components: u8,
    channels: Channels,
    /// Whether there are several scans.
    progressive: bool,
}

/// What the segments say that have been read.
struct Segments<'a> {
    reader: Reader<'a>,
    frame: Option<Frame>,
    orientation: Option<Orientation>,
    /// Parts of the profile: sequence number, number of parts, bytes.
    profile: Vec<(u8, u8, &'a [u8])>,
    resolution: Option<Resolution>,
}

impl Segments<'_> {
    /// Reads up to the first scan.
    fn read(&mut self) -> Result<(), Stop> {
        let mut at = 2;
        for _ in 0..MOST_SEGMENTS {
            let marker = self.marker(&mut at)?;
            match marker {
                0xda => return self.scan_header(at),
                0xd8 | 0x01 | 0xd0..=0xd7 => continue,
                0xd9 => return self.reader.damaged("it ends before its first scan"),
                _ => {}
            }
            let length = u64::from(u16::from_be_bytes(self.reader.array(at)?));
            if length < 2 {
                return self.reader.damaged("a segment shorter than its own length");
            }
            self.segment(marker, at + 2, length - 2)?;
            at += length;
        }
        self.reader.damaged(format!("more than {MOST_SEGMENTS} segments before the first scan"))
    }

    /// The next marker's code; `at` moves behind it. Any number of fill bytes may stand before it (section B.1.1.2).
    fn marker(&self, at: &mut u64) -> Result<u8, Stop> {
        let [first, mut code] = self.reader.array(*at)?;
        *at += 2;
        if first != 0xff {
            return self.reader.damaged(format!("no marker at byte {}", *at - 2));
        }
        while code == 0xff {
            [code] = self.reader.array(*at)?;
            *at += 1;
        }
        Ok(code)
    }

    fn segment(&mut self, marker: u8, at: u64, length: u64) -> Result<(), Stop> {
        match marker {
            0xc0..=0xc2 => self.frame = Some(self.frame_header(marker, at, length)?),
            0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf | 0xf7 => {
                return unsupported(other_process(marker));
            }
            0xe0 => self.density(self.reader.bytes(at, length)?),
            0xe1 => self.exif(self.reader.bytes(at, length)?),
            0xe2 => self.profile_part(at, length)?,
            _ => {}
        }
        Ok(())
    }

    /// The first SOS (section B.2.3): a scan of some of the components is not the only one.
    fn scan_header(&mut self, at: u64) -> Result<(), Stop> {
        let [_, _, components]: [u8; 3] = self.reader.array(at)?;
        if let Some(frame) = &mut self.frame {
            frame.progressive |= components < frame.components;
        }
        Ok(())
    }

    fn exif(&mut self, data: &[u8]) {
        if let (None, Some(block)) = (self.orientation, data.strip_prefix(b"Exif\0\0")) {
            self.orientation = Some(exif::orientation(block));
        }
    }

    /// The density of a JFIF header (version 1.02); with unit 0 it is only a proportion.
    fn density(&mut self, data: &[u8]) {
        if let Some([_, _, unit, x1, x0, y1, y0, ..]) = data.strip_prefix(b"JFIF\0") {
            let (x, y) = (u16::from_be_bytes([*x1, *x0]), u16::from_be_bytes([*y1, *y0]));
            let unit = [None, Some(Unit::Inch), Some(Unit::Centimetre)].into_iter().nth(usize::from(*unit));
            self.resolution =
                unit.flatten().and_then(|unit| Resolution::new(f64::from(x), f64::from(y), unit));
        }
    }

    /// A part of an ICC profile (ICC.1:2022, section B.4).
    fn profile_part(&mut self, at: u64, length: u64) -> Result<(), Stop> {
        let data = self.reader.bytes(at, length)?;
        if let Some([number, count, part @ ..]) = data.strip_prefix(b"ICC_PROFILE\0") {
            self.profile.push((*number, *count, part));
        }
        Ok(())
    }

    /// The profile, if all its parts are there.
    fn icc(&mut self) -> Option<Icc> {
        self.profile.sort_by_key(|&(number, ..)| number);
        let (_, count, _) = *self.profile.first()?;
        let complete =
            self.profile.iter().map(|&(number, of, _)| (number, of)).eq((1..=count).map(|n| (n, count)));
        complete.then(|| Icc::Raw(self.profile.iter().flat_map(|(.., part)| part.iter().copied()).collect()))
    }

    /// SOF0, SOF1 or SOF2 (section B.2.2).
    fn frame_header(&self, marker: u8, at: u64, length: u64) -> Result<Frame, Stop> {
        if self.frame.is_some() {
            return self.reader.damaged("it has two frame headers");
        }
        if length < 6 {
            return self.reader.damaged("its frame header is too short");
        }
        let [bits, h1, h0, w1, w0, components]: [u8; 6] = self.reader.array(at)?;
        if bits != 8 {
            return unsupported(format!(
                "JPEG with {bits}-bit samples is not supported: convert it to 8 bit, or to PNG"
            ));
        }
        let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
        let size = checked_size(&self.reader, u64::from(width), u64::from(height))?;
        if size.width.max(size.height) > LARGEST_SIDE {
            return unsupported(format!(
                "a JPEG of {size} pixels is not supported: at most {LARGEST_SIDE} on a side"
            ));
        }
        Ok(Frame { size, components, channels: channels(components)?, progressive: marker == 0xc2 })
    }
}

/// The channels of the decoded image. Four components are inks (CMYK or YCCK), which become RGB.
fn channels(components: u8) -> Result<Channels, Stop> {
    match components {
        1 => Ok(Channels::Gray),
        3 | 4 => Ok(Channels::Rgb),
        other => {
            unsupported(format!("JPEG with {other} components is not supported: convert it to gray or RGB"))
        }
    }
}

fn other_process(marker: u8) -> String {
    let process = match marker {
        0xc3 | 0xc7 | 0xcb | 0xcf => "lossless",
        0xf7 => "lossless (JPEG-LS)",
        0xc5 | 0xc6 | 0xcd | 0xce => "hierarchical",
        _ => "arithmetic-coded",
    };
    format!("{process} JPEG is not supported: write it as a baseline or progressive JPEG, or as PNG")
}
