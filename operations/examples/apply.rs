//! Applies a chain of operations to raw pixels: for the comparison with other libraries in `tests/oracle`.
//! `apply OPERATIONS WIDTH HEIGHT CHANNELS BITS < in > out`, samples interleaved, 16 bits in the machine's order.

use std::io::{Read, Write};
use tessera_core::geometry::Size;
use tessera_core::operation::Extent;
use tessera_core::pixel::{Channels, Depth, PixelType};
use tessera_operations::{Operation, Region, Samples, plan_chain, run_chain};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| arguments[index].parse::<u32>().expect("sizes are numbers");
    let operations: Vec<Operation> = serde_json::from_str(&arguments[0]).expect("operations are a JSON list");
    let channels =
        [Channels::Gray, Channels::GrayAlpha, Channels::Rgb, Channels::Rgba][number(3) as usize - 1];
    let depth = if number(4) == 8 { Depth::U8 } else { Depth::U16 };
    let image = Extent { size: Size::new(number(1), number(2)), pixel: PixelType::new(channels, depth) };
    let chain = plan_chain(&operations, image).expect("the chain fits the picture");
    let result = run_chain(&operations, &chain, chain.output().size.rect(), read(image));
    let bytes = match result.samples {
        Samples::U8(samples) => samples,
        Samples::U16(samples) => samples.into_iter().flat_map(u16::to_ne_bytes).collect(),
    };
    std::io::stdout().write_all(&bytes).expect("the reader takes all");
}

fn read(image: Extent) -> Region {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).expect("the pixels come on stdin");
    let pairs = || bytes.chunks_exact(2).map(|pair| u16::from_ne_bytes([pair[0], pair[1]]));
    let samples = match image.pixel.depth {
        Depth::U8 => Samples::U8(bytes),
        Depth::U16 => Samples::U16(pairs().collect()),
    };
    Region { rect: image.size.rect(), channels: image.pixel.channels, samples }
}
