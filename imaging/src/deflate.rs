//! Deflate (RFC 1951) for filtered rows of pixels: a Huffman code for each block, and matches only for runs of zeros.
//! Fast, and of fixed bytes: the result depends on nothing but the input. Streams are ended on a byte's border, so that
//! what is compressed apart can be joined; no match reaches back over such an end.

use crate::huffman::{Code, codes, lengths};

/// Input bytes of a block, each with a code of its own.
const BLOCK: usize = 128 << 10;

/// The longest code of a literal or length: three of them with their extra bits fit into a bit buffer.
const LONGEST_CODE: u32 = 12;

/// The longest match of deflate.
const LONGEST_MATCH: usize = 258;

/// Symbols of the literal and length alphabet; 256 ends a block.
const SYMBOLS: usize = 286;
const END_OF_BLOCK: usize = 256;

/// Tokens: a literal is its byte, a match of `n` bytes at distance 1 is `MATCH + n`.
const MATCH: u16 = 256;
const TOKENS: usize = MATCH as usize + LONGEST_MATCH + 1;

/// The order in which the lengths of the code length code are written (RFC 1951, section 3.2.7).
const LENGTH_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Compresses `bytes` into blocks of which none is the last, ended by an empty stored block as zlib's sync flush does.
pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut writer = BitWriter { bytes: Vec::with_capacity(bytes.len() / 2), buffer: 0, count: 0 };
    let mut tokens = Vec::with_capacity(BLOCK);
    for block in bytes.chunks(BLOCK) {
        tokens.clear();
        tokenise(block, &mut tokens);
        write_block(&tokens, &mut writer);
    }
    writer.flush();
    writer.bytes
}

/// Literals and runs of zeros. Runs are looked for eight bytes at a time, so that the rest goes fast.
fn tokenise(block: &[u8], tokens: &mut Vec<u16>) {
    let (words, rest) = block.as_chunks::<8>();
    let mut zeros = 0;
    for word in words {
        if *word == [0; 8] {
            zeros += 8;
        } else {
            if zeros > 0 {
                run(zeros, tokens);
                zeros = 0;
            }
            tokens.extend(word.map(u16::from));
        }
    }
    run(zeros, tokens);
    tokens.extend(rest.iter().map(|&byte| u16::from(byte)));
}

/// A run of zeros: a literal, matches with it, and literals for the rest that is too short for a match.
fn run(zeros: usize, tokens: &mut Vec<u16>) {
    if zeros == 0 {
        return;
    }
    tokens.push(0);
    let (matches, rest) = ((zeros - 1) / LONGEST_MATCH, (zeros - 1) % LONGEST_MATCH);
    tokens.extend(std::iter::repeat_n(MATCH + LONGEST_MATCH as u16, matches));
    if rest >= 3 {
        tokens.push(MATCH + rest as u16);
    } else {
        tokens.extend(std::iter::repeat_n(0, rest));
    }
}

/// A block with a dynamic code (RFC 1951, section 3.2.7).
fn write_block(tokens: &[u16], writer: &mut BitWriter) {
    let counts = token_counts(tokens);
    let lengths = lengths(&symbol_counts(&counts), LONGEST_CODE);
    let codes = codes(&lengths);
    writer.put(0b100, 3);
    write_lengths(&lengths, writer);
    writer.put_tokens(tokens, &token_codes(&codes));
    let end = codes[END_OF_BLOCK];
    writer.put(end.bits, end.length);
}

/// How often each token occurs.
fn token_counts(tokens: &[u16]) -> [u32; TOKENS] {
    // Two tables, so that the same token twice in a row does not wait for itself.
    let mut counts = [[0u32; TOKENS]; 2];
    let (pairs, rest) = tokens.as_chunks::<2>();
    for [first, second] in pairs {
        counts[0][usize::from(*first)] += 1;
        counts[1][usize::from(*second)] += 1;
    }
    rest.iter().for_each(|&token| counts[0][usize::from(token)] += 1);
    std::array::from_fn(|token| counts[0][token] + counts[1][token])
}

fn symbol_counts(tokens: &[u32; TOKENS]) -> [u32; SYMBOLS] {
    let mut symbols = [0; SYMBOLS];
    symbols[..256].copy_from_slice(&tokens[..256]);
    symbols[END_OF_BLOCK] = 1;
    for length in 3..=LONGEST_MATCH {
        symbols[length_symbol(length).symbol] += tokens[usize::from(MATCH) + length];
    }
    symbols
}

/// How a match's length is written: a symbol, and extra bits.
struct LengthSymbol {
    symbol: usize,
    extra: u32,
    extra_bits: u32,
}

/// The table of RFC 1951, section 3.2.5: four symbols for each number of extra bits, from length 11 on.
fn length_symbol(length: usize) -> LengthSymbol {
    let plain = |symbol| LengthSymbol { symbol, extra: 0, extra_bits: 0 };
    match length {
        0..=10 => plain(254 + length),
        258.. => plain(285),
        _ => {
            let above = (length - 3) as u32;
            let extra_bits = above.ilog2() - 2;
            let symbol = 257 + 4 * extra_bits as usize + (above >> extra_bits) as usize;
            LengthSymbol { symbol, extra: above & ((1 << extra_bits) - 1), extra_bits }
        }
    }
}

/// The code of each token: for a match the length's code, its extra bits, and the distance's code, which is one bit 0.
fn token_codes(codes: &[Code]) -> [Code; TOKENS] {
    std::array::from_fn(|token| match token {
        0..256 => codes[token],
        _ => {
            let length = length_symbol((token - usize::from(MATCH)).max(3));
            let code = codes[length.symbol];
            Code {
                bits: code.bits | length.extra << code.length,
                length: code.length + length.extra_bits + 1,
            }
        }
    })
}

/// The lengths of the block's code and of the only distance's, 1, compressed by a code of their own.
fn write_lengths(literals: &[u8], writer: &mut BitWriter) {
    let mut all = literals.to_vec();
    all.push(1);
    let runs = length_runs(&all);
    let mut counts = [0; 19];
    runs.iter().for_each(|run| counts[run.symbol] += 1);
    let lengths = lengths(&counts, 7);
    let codes = codes(&lengths);
    let written =
        LENGTH_ORDER.iter().rposition(|&symbol| lengths[symbol] > 0).map_or(4, |last| (last + 1).max(4));
    writer.put((SYMBOLS - 257) as u32, 5);
    writer.put(0, 5);
    writer.put((written - 4) as u32, 4);
    LENGTH_ORDER[..written].iter().for_each(|&symbol| writer.put(u32::from(lengths[symbol]), 3));
    for run in runs {
        writer.put(codes[run.symbol].bits, codes[run.symbol].length);
        writer.put(run.extra, run.extra_bits);
    }
}

/// A symbol of the code length alphabet with its extra bits.
struct LengthRun {
    symbol: usize,
    extra: u32,
    extra_bits: u32,
}

/// Runs of equal lengths, shortened by the symbols 16 (repeat 3 to 6 times), 17 (3 to 10 zeros), 18 (11 to 138 zeros).
fn length_runs(lengths: &[u8]) -> Vec<LengthRun> {
    let mut runs = Vec::new();
    for group in lengths.chunk_by(|a, b| a == b) {
        let symbol = usize::from(group[0]);
        let mut left = group.len();
        if symbol > 0 {
            runs.push(LengthRun { symbol, extra: 0, extra_bits: 0 });
            left -= 1;
        }
        while left > 0 {
            let (run, taken) = match (symbol, left) {
                (_, 1 | 2) => (LengthRun { symbol, extra: 0, extra_bits: 0 }, 1),
                (0, 3..=10) => (LengthRun { symbol: 17, extra: left as u32 - 3, extra_bits: 3 }, left),
                (0, _) => {
                    (LengthRun { symbol: 18, extra: left.min(138) as u32 - 11, extra_bits: 7 }, left.min(138))
                }
                _ => (LengthRun { symbol: 16, extra: left.min(6) as u32 - 3, extra_bits: 2 }, left.min(6)),
            };
            runs.push(run);
            left -= taken;
        }
    }
    runs
}

/// Bits, least significant first. Between calls less than 8 bits wait in the buffer.
struct BitWriter {
    bytes: Vec<u8>,
    buffer: u64,
    count: u32,
}

impl BitWriter {
    /// Up to 32 bits.
    fn put(&mut self, bits: u32, length: u32) {
        self.buffer |= u64::from(bits) << self.count;
        self.count += length;
        while self.count >= 8 {
            self.bytes.push(self.buffer as u8);
            self.buffer >>= 8;
            self.count -= 8;
        }
    }

    /// The codes of many tokens, three at a time: 7 bits wait, and three codes have at most 3 * (12 + 5 + 1).
    fn put_tokens(&mut self, tokens: &[u16], codes: &[Code; TOKENS]) {
        let mut at = self.bytes.len();
        self.bytes.resize(at + tokens.len().div_ceil(3) * 8 + 8, 0);
        let (triples, rest) = tokens.as_chunks::<3>();
        for triple in triples {
            for &token in triple {
                let code = codes[usize::from(token)];
                self.buffer |= u64::from(code.bits) << self.count;
                self.count += code.length;
            }
            self.bytes[at..at + 8].copy_from_slice(&self.buffer.to_le_bytes());
            let whole = self.count / 8;
            at += whole as usize;
            self.buffer >>= whole * 8;
            self.count %= 8;
        }
        self.bytes.truncate(at);
        for &token in rest {
            let code = codes[usize::from(token)];
            self.put(code.bits, code.length);
        }
    }

    /// An empty stored block: three bits of header, padding to a byte, length 0.
    fn flush(&mut self) {
        self.put(0, 3);
        self.put(0, (8 - self.count) % 8);
        self.bytes.extend([0, 0, 0xff, 0xff]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Inflates what [`deflate`] wrote, by an independent decoder.
    fn inflated(mut stream: Vec<u8>, length: usize) -> Vec<u8> {
        stream.extend([3, 0]);
        let mut bytes = Vec::with_capacity(length + 1);
        let mut decoder = flate2::Decompress::new(false);
        let status = decoder.decompress_vec(&stream, &mut bytes, flate2::FlushDecompress::Finish).unwrap();
        assert_eq!(status, flate2::Status::StreamEnd);
        bytes
    }

    #[test]
    fn runs_of_all_lengths_survive() {
        for zeros in (0..1200).chain([BLOCK - 1, BLOCK, BLOCK + 9]) {
            let mut bytes = vec![7; 3];
            bytes.resize(3 + zeros, 0);
            bytes.push(9);
            assert_eq!(inflated(deflate(&bytes), bytes.len()), bytes, "{zeros} zeros");
        }
    }

    #[test]
    fn nothing_is_an_empty_stored_block() {
        assert_eq!(deflate(&[]), [0, 0, 0, 0xff, 0xff]);
    }

    #[test]
    fn lengths_have_the_symbols_of_the_specification() {
        for (length, symbol, extra) in [(3, 257, 0), (10, 264, 0), (11, 265, 0), (12, 265, 1), (13, 266, 0)]
            .into_iter()
            .chain([(18, 268, 1), (19, 269, 0), (130, 280, 15), (131, 281, 0), (257, 284, 30), (258, 285, 0)])
        {
            let found = length_symbol(length);
            assert_eq!((found.symbol, found.extra), (symbol, extra), "length {length}");
        }
    }

    proptest! {
        #[test]
        fn what_is_deflated_inflates_to_the_same(parts in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..300),
                (any::<u8>(), 0usize..70_000).prop_map(|(byte, count)| vec![byte; count]),
                prop::collection::vec(0u8..3, 0..2000),
            ], 0..12))
        {
            let bytes = parts.concat();
            prop_assert_eq!(inflated(deflate(&bytes), bytes.len()), bytes);
        }
    }
}
