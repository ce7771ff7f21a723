//! From the loose spec to a checked one: what a schema cannot say, or says badly. Pure; it looks at no image, pool or store.

use crate::imagejob::{
    Compression, DEFAULT_QUALITY, IfExists, ImageJobSpec, MAX_OPERATIONS, MAX_PAGE, Output, Tiff, WebP,
};
use crate::problem::Problem;
use crate::uri::{Locations, Uri};
use std::time::Duration;
use tessera_core::operation::Planned;
use tessera_core::output::{OutputFormat, TiffCompression, WebPCoding};
use tessera_operations::{Apply, Operation};

/// A spec that was checked: nothing after this looks at the raw one.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidJob {
    /// Name of the WorkerPool.
    pub pool: String,
    /// The image to read.
    pub source: Uri,
    /// Which image of its file, counted from 0.
    pub page: u32,
    /// The chain; empty for a conversion.
    pub operations: Vec<Operation>,
    /// Where the result goes.
    pub output: ValidOutput,
    /// Retries of a shard, 0 to 10.
    pub retries: u32,
    /// Share of the slots, 1 to 100.
    pub weight: u32,
    /// Whether to stop for now.
    pub suspend: bool,
    /// How long the ImageJob is kept after its end; `None`: for good.
    pub ttl: Option<Duration>,
    /// How long the work may take; `None`: no limit.
    pub deadline: Option<Duration>,
}

/// A checked output.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidOutput {
    /// The object or file to write.
    pub uri: Uri,
    /// The format with its options.
    pub format: OutputFormat,
    /// What to do if it exists.
    pub if_exists: IfExists,
}

/// Checks a spec. `locations` says whether files are allowed beside objects.
///
/// # Errors
/// All that is wrong, in the order of the fields.
pub fn validate(spec: &ImageJobSpec, locations: Locations) -> Result<ValidJob, Vec<Problem>> {
    let mut problems = Vec::new();
    let source = location("spec.source.uri", &spec.source.uri, locations, &mut problems);
    check_operations(&spec.operations, &mut problems);
    let uri = location("spec.output.uri", &spec.output.uri, locations, &mut problems);
    let format = uri.as_ref().and_then(|uri| output_format(&spec.output, uri, &mut problems));
    check_numbers(spec, &mut problems);
    if source.is_some() && source == uri {
        problems.push(Problem::new(
            "spec.output.uri",
            "the output must not be the source: choose another bucket or key",
        ));
    }
    match (source, uri, format) {
        (Some(source), Some(uri), Some(format)) if problems.is_empty() => {
            let output = ValidOutput { uri, format, if_exists: spec.output.if_exists };
            Ok(valid(spec, source, output))
        }
        _ => Err(problems),
    }
}

fn valid(spec: &ImageJobSpec, source: Uri, output: ValidOutput) -> ValidJob {
    let seconds = |value: u32| Duration::from_secs(u64::from(value));
    ValidJob {
        pool: spec.pool.clone(),
        source,
        page: spec.source.page,
        operations: spec.operations.clone(),
        output,
        retries: spec.retries,
        weight: spec.weight,
        suspend: spec.suspend,
        ttl: spec.ttl_seconds_after_finished.map(seconds),
        deadline: spec.active_deadline_seconds.map(seconds),
    }
}

fn location(path: &str, text: &str, locations: Locations, problems: &mut Vec<Problem>) -> Option<Uri> {
    let uri = Uri::parse(text, locations);
    uri.map_err(|error| problems.push(Problem::new(path, format!("\"{text}\": {error}")))).ok()
}

fn check_operations(operations: &[Operation], problems: &mut Vec<Problem>) {
    if operations.len() > MAX_OPERATIONS {
        let message = format!("at most {MAX_OPERATIONS} operations, not {}", operations.len());
        problems.push(Problem::new("spec.operations", message));
    }
    for (index, operation) in operations.iter().enumerate() {
        if let Err(error) = operation.check_bounds() {
            let path = format!("spec.operations[{index}].{}.{}", operation.name(), error.parameter);
            problems.push(Problem::new(path, error.to_string()));
        }
    }
}

/// The bounds of the schema, for objects that no API server has checked.
fn check_numbers(spec: &ImageJobSpec, problems: &mut Vec<Problem>) {
    let mut check = |path: &str, value: u32, min: u32, max: u32| {
        if !(min..=max).contains(&value) {
            problems.push(Problem::new(path, format!("must be from {min} to {max}, not {value}")));
        }
    };
    if let Some(jpeg) = &spec.output.jpeg {
        check("spec.output.jpeg.quality", u32::from(jpeg.quality), 1, 100);
    }
    if let Some(quality) = spec.output.webp.as_ref().and_then(|webp| webp.quality) {
        check("spec.output.webp.quality", u32::from(quality), 1, 100);
    }
    check("spec.source.page", spec.source.page, 0, MAX_PAGE);
    check("spec.retries", spec.retries, 0, 10);
    check("spec.weight", spec.weight, 1, 100);
    if let Some(deadline) = spec.active_deadline_seconds {
        check("spec.activeDeadlineSeconds", deadline, 1, i32::MAX as u32);
    }
}

/// The format that was asked for, else the one that the name's ending says.
fn output_format(output: &Output, uri: &Uri, problems: &mut Vec<Problem>) -> Option<OutputFormat> {
    let mut given = Vec::new();
    given.extend(output.png.as_ref().map(|_| OutputFormat::Png));
    given.extend(output.jpeg.as_ref().map(|jpeg| OutputFormat::Jpeg { quality: jpeg.quality }));
    given.extend(output.webp.as_ref().and_then(|webp| coding(webp, problems)));
    given.extend(output.tiff.as_ref().and_then(|options| {
        let (tile, compression) = tiles("spec.output.tiff", options, problems)?;
        Some(OutputFormat::Tiff { tile, compression })
    }));
    given.extend(output.cog.as_ref().and_then(|options| {
        let (tile, compression) = tiles("spec.output.cog", options, problems)?;
        Some(OutputFormat::Cog { tile, compression })
    }));
    match given.len() {
        0 if output.tiff.is_some() || output.cog.is_some() || output.webp.is_some() => None,
        0 => format_of_name(uri).map_err(|problem| problems.push(problem)).ok(),
        1 => given.pop(),
        _ => {
            let message = "one output has one format: keep one of png, jpeg, webp, tiff and cog";
            problems.push(Problem::new("spec.output", message));
            None
        }
    }
}

/// How a WebP is coded.
fn coding(webp: &WebP, problems: &mut Vec<Problem>) -> Option<OutputFormat> {
    let coding = match (webp.lossless, webp.quality) {
        (true, None) => WebPCoding::Lossless,
        (true, Some(_)) => {
            let message = "belongs to a WebP that loses something: leave it out, or lossless";
            problems.push(Problem::new("spec.output.webp.quality", message));
            return None;
        }
        (false, quality) => WebPCoding::Lossy { quality: quality.unwrap_or(DEFAULT_QUALITY) },
    };
    Some(OutputFormat::WebP { coding })
}

/// Side and compression of the tiles, from the options in the field `path`.
fn tiles(path: &str, tiff: &Tiff, problems: &mut Vec<Problem>) -> Option<(u32, TiffCompression)> {
    let tile = tiff.tile;
    if ![256, 512, 1024].contains(&tile) {
        let message = format!("must be one of 256, 512, 1024, not {tile}");
        problems.push(Problem::new(format!("{path}.tile"), message));
        return None;
    }
    if tiff.quality.is_some() && tiff.compression != Compression::Jpeg {
        let message = "belongs to compression: jpeg; the others lose nothing: leave it out";
        problems.push(Problem::new(format!("{path}.quality"), message));
        return None;
    }
    let compression = match tiff.compression {
        Compression::None => TiffCompression::None,
        Compression::Deflate => TiffCompression::Deflate,
        Compression::Lzw => TiffCompression::Lzw,
        Compression::Zstd => TiffCompression::Zstd,
        Compression::Jpeg => TiffCompression::Jpeg { quality: tiff.quality.unwrap_or(DEFAULT_QUALITY) },
    };
    Some((tile, compression))
}

fn format_of_name(uri: &Uri) -> Result<OutputFormat, Problem> {
    match uri.extension().as_deref() {
        Some("tif" | "tiff") => Ok(OutputFormat::Tiff { tile: 512, compression: TiffCompression::Deflate }),
        Some("png") => Ok(OutputFormat::Png),
        Some("jpg" | "jpeg") => Ok(OutputFormat::Jpeg { quality: DEFAULT_QUALITY }),
        Some("webp") => Ok(OutputFormat::WebP { coding: WebPCoding::Lossy { quality: DEFAULT_QUALITY } }),
        _ => Err(Problem::new(
            "spec.output.uri",
            format!(
                "\"{uri}\" does not say the format: let the name end in .tif, .tiff, .png, .jpg, .jpeg or .webp, \
                 or name the format beside uri, such as \"png: {{}}\""
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The checked job of a spec in YAML.
    fn check(spec: &str, locations: Locations) -> Result<ValidJob, Vec<Problem>> {
        let value: serde_json::Value = serde_norway::from_str(spec).unwrap();
        validate(&serde_json::from_value(value).unwrap(), locations)
    }

    fn format(output: &str) -> OutputFormat {
        let spec = format!("{{source: {{uri: s3://images/a.tif}}, output: {{{output}}}}}");
        check(&spec, Locations::Cluster).unwrap().output.format
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let spec = "{source: {uri: s3://images/a.tif}, output: {uri: s3://results/a.tif}}";
        let job = check(spec, Locations::Cluster).unwrap();
        assert_eq!((job.pool.as_str(), job.retries, job.weight, job.suspend), ("default", 3, 1, false));
        assert_eq!((job.ttl, job.deadline, job.output.if_exists), (None, None, IfExists::Fail));
        assert!(job.operations.is_empty());
    }

    #[test]
    fn the_format_is_the_given_one_else_that_of_the_name() {
        let deflate = OutputFormat::Tiff { tile: 512, compression: TiffCompression::Deflate };
        assert_eq!(format("uri: s3://r/a.TIFF".replace("//r/", "//results/").as_str()), deflate);
        assert_eq!(format("uri: s3://results/a.jpg"), OutputFormat::Jpeg { quality: 90 });
        assert_eq!(format("uri: s3://results/a.png"), OutputFormat::Png);
        assert_eq!(format("uri: s3://results/a.png, jpeg: {quality: 5}"), OutputFormat::Jpeg { quality: 5 });
        let none = OutputFormat::Tiff { tile: 256, compression: TiffCompression::None };
        assert_eq!(format("uri: s3://results/a, tiff: {tile: 256, compression: none}"), none);
    }

    #[test]
    fn one_machine_takes_files() {
        let spec = "{source: {uri: photo.jpg}, output: {uri: file:///tmp/edges.png}}";
        assert_eq!(check(spec, Locations::Local).unwrap().source.key, "photo.jpg");
        assert_eq!(check(spec, Locations::Cluster).unwrap_err().len(), 2);
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let spec = "{source: {uri: a}, operations: [{invert: {}}, {gaussianBlur: {sigma: 0}}], \
                    output: {uri: b, tiff: {tile: 3}}, weight: 0}";
        let problems = check(spec, Locations::Cluster).unwrap_err();
        let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(
            paths,
            ["spec.source.uri", "spec.operations[1].gaussianBlur.sigma", "spec.output.uri", "spec.weight"]
        );
    }
}
