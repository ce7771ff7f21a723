"""Instructions for each pixel of each operation, as callgrind counts them: instructions.py APPLY FILE [accept].

APPLY is the example `apply` of `operations/`. FILE holds the figures of before: an operation that takes over 5 % more is
named, and ends this with 1, unless `accept` is said, which also writes the figures down. They do not depend on the machine's
load, and hardly on the machine: valgrind offers AVX2, so the path of AVX2 is counted.
"""

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

APPLY, FILE = sys.argv[1], Path(sys.argv[2])
ACCEPT = sys.argv[3:] == ["accept"]
SIDE = 512
TOLERANCE = 1.05

GRAY, RGB, RGBA = 1, 3, 4
CASES = {
    "grayscale": ([{"grayscale": {}}], RGB),
    "invert": ([{"invert": {}}], RGB),
    "brightnessContrast": ([{"brightnessContrast": {"brightness": 0.1, "contrast": 1.2}}], RGB),
    "gamma": ([{"gamma": {"gamma": 2.2}}], RGB),
    "hueSaturation": ([{"hueSaturation": {"hue": 30, "saturation": 1.2}}], RGB),
    "threshold": ([{"threshold": {"value": 128}}], RGB),
    "sepia": ([{"sepia": {}}], RGB),
    "flatten": ([{"flatten": {}}], RGBA),
    "gaussianBlur 1.5": ([{"gaussianBlur": {"sigma": 1.5}}], RGB),
    "gaussianBlur 5": ([{"gaussianBlur": {"sigma": 5}}], RGB),
    "gaussianBlur 1.5 alpha": ([{"gaussianBlur": {"sigma": 1.5}}], RGBA),
    "boxBlur 5": ([{"boxBlur": {"radius": 5}}], RGB),
    "medianBlur 1": ([{"medianBlur": {"radius": 1}}], RGB),
    "medianBlur 2": ([{"medianBlur": {"radius": 2}}], RGB),
    "bilateralFilter 4 gray": ([{"bilateralFilter": {"radius": 4, "sigmaColor": 0.196078, "sigmaSpace": 3}}], GRAY),
    "unsharpMask 1.5": ([{"unsharpMask": {"sigma": 1.5}}], RGB),
    "convolve 3x3": ([{"convolve": {"kernel": [[1, 2, 1], [2, 4, 2], [1, 2, 1]], "divisor": 16}}], RGB),
    "sobel": ([{"sobel": {}}], GRAY),
    "laplacian": ([{"laplacian": {}}], GRAY),
    "differenceOfGaussians": ([{"differenceOfGaussians": {"sigma1": 1, "sigma2": 2}}], GRAY),
    "erode 2": ([{"erode": {"radius": 2}}], RGB),
    "topHat 2": ([{"topHat": {"radius": 2}}], RGB),
    "flip horizontal": ([{"flip": {"axis": "horizontal"}}], RGB),
    "rotate 90": ([{"rotate": {"degrees": 90}}], RGB),
    "resize 1/2 lanczos3": ([{"resize": {"scale": 0.5}}], RGB),
    "resize 1/2 area": ([{"resize": {"scale": 0.5, "filter": "area"}}], RGB),
    "grayscale, gaussianBlur 1.5, sobel": ([{"grayscale": {}}, {"gaussianBlur": {"sigma": 1.5}}, {"sobel": {}}], RGB),
}


def picture(channels):
    """The same slopes and noise always."""
    state, samples = 1, bytearray()
    for at in range(SIDE * SIDE * channels):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        samples.append((at // 97 + (state >> 24)) & 255)
    return bytes(samples)


PICTURES = {channels: picture(channels) for channels in (GRAY, RGB, RGBA)}


def instructions(operations, channels, times):
    head = {"operations": operations, "width": SIDE, "height": SIDE, "channels": channels, "bits": 8}
    request = json.dumps(head).encode() + b"\n" + PICTURES[channels]
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", APPLY]
    run = subprocess.run(command, input=request * times, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    found = re.search(rb"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or not found:
        sys.exit(run.stderr.decode())
    return int(found[1])


def for_each_pixel(name):
    """Of a second time, since the first makes tables."""
    operations, channels = CASES[name]
    twice, once = (instructions(operations, channels, times) for times in (2, 1))
    return name, round((twice - once) / SIDE**2, 2)


def main():
    before = json.loads(FILE.read_text()) if FILE.exists() else {}
    with ThreadPoolExecutor(2) as pool:
        found = dict(pool.map(for_each_pixel, CASES))
    more = []
    for name, count in found.items():
        was = before.get(name)
        print(f"  {name:36} {count:9.2f}" + (f"  was {was:9.2f}" if was not in (None, count) else ""))
        if was is not None and count > was * TOLERANCE:
            more.append(name)
    if ACCEPT or not before:
        FILE.write_text(json.dumps(found, indent=1) + "\n")
    elif more:
        sys.exit(f"more instructions than before: {', '.join(more)}: mend it, or ACCEPT=1 make bench-instructions")


main()
