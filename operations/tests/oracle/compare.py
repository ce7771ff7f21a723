"""Holds every operation against OpenCV, SciPy and float64 formulas: random pictures of 1 to 4 channels, 8 and 16 bits, from
one pixel up, with random parameters, of which many lie on their bounds; and random chains against themselves in tiles.

    cargo build --release --workspace --examples
    python3 -m venv oracle && oracle/bin/pip install -r operations/tests/oracle/requirements.txt
    oracle/bin/python operations/tests/oracle/compare.py target/release/examples/apply [SEED [REPEATS]]

It prints a line for each comparison, and ends with 1 if one was beyond its bound.
"""
import json
import sys
import time

import cv2
import numpy as np
import scipy

from checks import CHECKS
from engine import Engine, Random, Refused

SIZES = [(1, 1), (1, 9), (9, 1), (2, 3), (17, 5), (64, 64), (71, 103), (130, 257)]
CHAINS = 300
TILES = [(1, 1), (2, 2), (7, 7), (5, 64), (1000, 1000)]


def pictures(random):
    for dtype in (np.uint8, np.uint16):
        for channels in (1, 2, 3, 4):
            for height, width in SIZES:
                yield random.picture(height, width, channels, dtype)


def compare(engine, name, check, seed):
    """One check on all pictures. The largest error, as it counts, and what was beyond the bound."""
    random, worst, wrong, count = Random(seed), 0.0, [], 0
    for image in pictures(random):
        case = check(random, image)
        if case is None:
            continue
        operations, expected, bound, weight, image = (*case, *(1.0, image)[len(case) - 3:])
        result = engine(operations, image)
        count += 1
        if result.shape != expected.shape:
            wrong.append(f"{operations} {image.shape}: {result.shape}, not {expected.shape}")
            continue
        error = abs(result.astype(float) - expected) * weight
        worst = max(worst, error.max())
        if error.max() > bound:
            place = np.unravel_index(error.argmax(), error.shape)
            text = json.dumps(operations)[:300]
            wrong.append(f"{text} {image.dtype}{image.shape}: {result[place]}, not {expected[place]:.4f} at {place}; bound {bound:.3f}")
    print(f"{name:42} {count:4} pictures, largest error {worst:.4f}", flush=True)
    return wrong


def chains(engine, seed):
    """Random chains, whole and in tiles."""
    random, wrong, count = Random(seed), [], 0
    while count < CHAINS:
        height, width = random.choice([(1, 1), (1, 40), (33, 21), (50, 64)])
        image = random.picture(height, width, random.choice([1, 2, 3, 4]), random.choice([np.uint8, np.uint16]))
        chain = [step for _ in range(random.whole(1, 4)) for step in step_of(random, image)]
        try:
            whole = engine(chain, image)
        except Refused:
            continue
        if whole.size > 30_000:
            continue
        count += 1
        for tile in TILES:
            if tile[0] * tile[1] * 2000 >= whole.size and not np.array_equal(engine(chain, image, tile), whole):
                wrong.append(f"{json.dumps(chain)[:400]} {image.dtype}{image.shape} in tiles of {tile} differs")
    print(f"{'tiled == whole':42} {count:4} chains", flush=True)
    return wrong


def step_of(random, image):
    """The operations of a check; they need not fit."""
    case = random.choice(CHECKS)[1](random, image)
    return case[0] if case else []


def main():
    start, wrong = time.monotonic(), []
    engine = Engine(sys.argv[1])
    seed, repeats = (int(value) for value in (*sys.argv[2:], 1, 1)[:2])
    print(f"OpenCV {cv2.__version__}, SciPy {scipy.__version__}, NumPy {np.__version__}, seed {seed}")
    for repeat in range(repeats):
        for number, (name, check) in enumerate(CHECKS):
            wrong += [f"{name}: {text}" for text in compare(engine, name, check, [seed + repeat, number])]
        wrong += chains(engine, seed + repeat)
    print("\n".join(wrong[:40]))
    print(f"{len(wrong)} beyond their bounds, {time.monotonic() - start:.0f} s")
    sys.exit(bool(wrong))


main()
