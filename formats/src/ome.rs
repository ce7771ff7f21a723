//! Refuses TIFFs whose first directory is not the image: raw files with a preview in front, and OME-TIFFs of several
//! planes, of which the first alone would silently be a part. Reads no pixels, and of the XML three numbers.

use crate::header::{Stop, unsupported};
use crate::tiff_ifd::{Directory, tag};

/// How far the root element may stand behind declarations and comments.
const START: u64 = 4 << 10;

/// The most bytes of OME-XML.
const LARGEST: u64 = 1 << 20;

/// The first directory holds the whole image, as far as the file says.
pub(crate) fn check(directory: &Directory) -> Result<(), Stop> {
    let reduced = directory.uint(tag::SUBFILE_TYPE)?.unwrap_or(0) & 1 == 1;
    if reduced && directory.values(tag::SUB_DIRECTORIES).is_some() {
        return unsupported(
            "TIFF whose image lies in SubIFDs behind a preview (a camera's raw file) is not supported: develop it to a plain TIFF",
        );
    }
    let start = String::from_utf8_lossy(directory.start_of(tag::DESCRIPTION, START)?);
    if !start.contains("<OME ") && !start.contains("<OME:OME ") {
        return Ok(());
    }
    let text = String::from_utf8_lossy(directory.start_of(tag::DESCRIPTION, LARGEST)?);
    let samples = directory.uint(tag::SAMPLES)?.unwrap_or(1).max(1);
    match planes(&text) {
        Some(planes) if planes <= samples => Ok(()),
        Some(planes) => unsupported(format!(
            "OME-TIFF with {} planes (channels, depths or times) is not supported: write the plane to be processed as a TIFF of its own",
            planes.div_ceil(samples)
        )),
        None => unsupported(
            "OME-TIFF that does not say how many planes it has is not supported: write it as a plain TIFF",
        ),
    }
}

/// Channels x depths x times of the first image that the XML describes.
fn planes(text: &str) -> Option<u64> {
    let start = text.find("<Pixels").or_else(|| text.find("<OME:Pixels"))?;
    let element = text[start..].split('>').next()?;
    let size = |name| Some(number(element, name)?.clamp(1, 1 << 20));
    Some(size("SizeC")? * size("SizeZ")? * size("SizeT")?)
}

/// The value of the attribute `name`.
fn number(element: &str, name: &str) -> Option<u64> {
    let value = element.split_once(&format!(" {name}="))?.1;
    value.get(1..)?.split(['"', '\'']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_planes_of_the_first_image_are_counted() {
        let xml = r#"<OME xmlns="x"><Image><Pixels ID="P:0" SizeC="3" SizeT='2' SizeX="9" SizeZ="4"><Channel/></Pixels></Image></OME>"#;
        assert_eq!(planes(xml), Some(24));
        assert_eq!(planes("<OME ><Pixels SizeC=\"3\""), None);
        assert_eq!(planes(""), None);
        assert_eq!(planes("<Pixels SizeC= SizeZ=\"\u{fc}"), None);
    }
}
