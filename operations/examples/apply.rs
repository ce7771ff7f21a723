//! Applies chains of operations to raw pixels, one after the other: for the comparison with other libraries in `tests/oracle`.
//! Each request is a line of JSON, `{"operations", "width", "height", "channels", "bits"}`, and the samples, interleaved, 16
//! bits in the machine's order; the answer has the same form, or is a line `{"refused"}`. With `"tile": [rows, columns]` the
//! result is computed in tiles, each from just the pixels that it reads.

use serde_json::{Value, json};
use std::io::{BufRead, Read, Write};
use tessera_core::geometry::{Rect, Size};
use tessera_core::operation::{Chain, Extent, Planned};
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_operations::{Apply, Operation, Region, Samples, plan_chain, run_chain};

fn main() {
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let mut line = String::new();
    while input.read_line(&mut line).expect("requests come on stdin") > 0 {
        let request: Value = serde_json::from_str(&line).expect("a request is a line of JSON");
        let operations = request["operations"].clone();
        let operations: Vec<Operation> = serde_json::from_value(operations).expect("operations are a list");
        let image = extent(&request);
        let mut bytes = vec![0; image.size.pixels() as usize * image.pixel.bytes()];
        input.read_exact(&mut bytes).expect("the samples follow");
        match result(&operations, region(image, bytes), &request["tile"]) {
            Ok(result) => write(&mut output, result),
            Err(reason) => writeln!(output, "{}", json!({ "refused": reason })),
        }
        .and_then(|()| output.flush())
        .expect("the reader takes all");
        line.clear();
    }
}

fn number(value: &Value) -> u32 {
    value.as_u64().and_then(|value| u32::try_from(value).ok()).expect("sizes are numbers")
}

fn extent(request: &Value) -> Extent {
    let channels = [Channels::Gray, Channels::GrayAlpha, Channels::Rgb, Channels::Rgba];
    let depth = if number(&request["bits"]) == 8 { Depth::U8 } else { Depth::U16 };
    let pixel = PixelType::new(channels[number(&request["channels"]) as usize - 1], depth);
    Extent { size: Size::new(number(&request["width"]), number(&request["height"])), pixel }
}

fn region(image: Extent, bytes: Vec<u8>) -> Region {
    let pairs = || bytes.as_chunks::<2>().0.iter();
    let samples = match image.pixel.depth {
        Depth::U16 => Samples::U16(pairs().map(|pair| u16::from_ne_bytes(*pair)).collect()),
        Depth::U8 => Samples::U8(bytes),
    };
    Region { rect: image.size.rect(), channels: image.pixel.channels, samples }
}

/// The result of the chain, or why there is none.
fn result(operations: &[Operation], source: Region, tile: &Value) -> Result<Region, String> {
    for operation in operations {
        operation.check_bounds().map_err(|error| format!("{}: {error}", operation.name()))?;
    }
    let image = Extent { size: source.rect.size(), pixel: source.pixel() };
    let chain = plan_chain(operations, image).map_err(|refusal| refusal.to_string())?;
    Ok(match tile.as_array().map(Vec::as_slice) {
        Some([rows, columns]) => tiled(operations, &chain, &source, Size::new(number(columns), number(rows))),
        _ => run_chain(operations, &chain, chain.output().size.rect(), source),
    })
}

fn tiled(operations: &[Operation], chain: &Chain<'_>, source: &Region, tile: Size) -> Region {
    let output = chain.output();
    let mut whole = Region::zeroed(output.size.rect(), output.pixel);
    for y in (0..output.size.height).step_by(tile.height as usize) {
        for x in (0..output.size.width).step_by(tile.width as usize) {
            let part = Rect::new(x, y, tile.width, tile.height).intersect(&output.size.rect());
            whole.paste(&run_chain(operations, chain, part, source.crop(chain.reads(part)[0])));
        }
    }
    whole
}

fn write(output: &mut impl Write, result: Region) -> std::io::Result<()> {
    let (size, pixel) = (result.rect.size(), result.pixel());
    let bytes = match result.samples {
        Samples::U8(samples) => samples,
        Samples::U16(samples) => samples.into_iter().flat_map(u16::to_ne_bytes).collect(),
    };
    let (channels, bits) = (pixel.channels.count(), pixel.depth.bits());
    let answer = json!({ "width": size.width, "height": size.height, "channels": channels, "bits": bits });
    writeln!(output, "{answer}")?;
    output.write_all(&bytes)
}
