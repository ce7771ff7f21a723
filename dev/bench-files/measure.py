"""Whole files, from disk to disk, in Tessera and libvips: measure.py TESSERA FOLDER PAGE MACHINE VERSIONS [quick].

Each run is a process of its own; the two take turns. Wall clock, processor time and peak memory are the process's own, as
the kernel counts them (wait4). libvips runs under Python, whose start is in its figures. The results of both are compared
first: an average difference above a level and a half ends the measurement.
"""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pyvips

# Files of the same names are made again and again.
pyvips.cache_set_max(0)

TESSERA, FOLDER, PAGE, MACHINE, VERSIONS = sys.argv[1:6]
QUICK = sys.argv[6:] == ["quick"]
FOLDER = Path(FOLDER)

TIFF = "tile,tile-width=512,tile-height=512,bigtiff"
JPEG_TIFF = f"[{TIFF},compression=jpeg,Q=90]"
DEFLATE_TIFF = f"[{TIFF},compression=deflate,predictor=horizontal]"


class Case:
    """The same work in both: operations and output format of an ImageJob, and a call of pyvips with a file's options."""

    def __init__(self, title, source, chain, output, peer, options, rounds):
        self.title, self.source, self.chain, self.output = title, source, chain, output
        self.peer, self.options, self.rounds = peer, options, rounds

    def files(self):
        ending = "." + self.output.split(":")[0].replace("tiff", "tif").replace("jpeg", "jpg")
        return FOLDER / f"tessera{ending}", FOLDER / f"libvips{ending}"


GAUSS = "gaussblur(1.5)"
CASES = [
    Case("12 MP: JPEG, grayscale, sobel, PNG", "small.jpg", "[{grayscale: {}}, {sobel: {}}]", "png: {}",
         "bandmean().sobel()", "[compression=1]", 11),
    Case("12 MP: JPEG, half the size by Lanczos, JPEG", "small.jpg", "[{resize: {scale: 0.5, filter: lanczos3}}]",
         "jpeg: {quality: 90}", "resize(0.5)", "[Q=90]", 11),
    Case("100 MP: deflate TIFF, gaussianBlur 1.5, deflate TIFF", "middle.tif", "[{gaussianBlur: {sigma: 1.5}}]",
         "tiff: {compression: deflate}", GAUSS, DEFLATE_TIFF, 3),
    Case("900 MP: JPEG BigTIFF, gaussianBlur 1.5, JPEG TIFF", "large.tif", "[{gaussianBlur: {sigma: 1.5}}]",
         "tiff: {compression: jpeg, quality: 90}", GAUSS, JPEG_TIFF, 3),
    Case("900 MP: JPEG BigTIFF, grayscale, sobel, JPEG TIFF", "large.tif", "[{grayscale: {}}, {sobel: {}}]",
         "tiff: {compression: jpeg, quality: 90}", "bandmean().sobel()", JPEG_TIFF, 3),
]

# The codecs: the same pixels from one format to another, without an operation. Not Zstandard, which this libvips lacks.
NONE = ("tiff: {compression: none}", f"[{TIFF}]")
READ = {"JPEG": "middle.jpg", "PNG": "middle.png", "JPEG TIFF": "jpeg.tif", "deflate TIFF": "middle.tif", "LZW TIFF": "lzw.tif"}
WRITTEN = {
    "JPEG": ("jpeg: {quality: 85}", "[Q=85]"),
    "PNG": ("png: {}", "[compression=6]"),
    "JPEG TIFF": ("tiff: {compression: jpeg, quality: 85}", f"[{TIFF},compression=jpeg,Q=85]"),
    "deflate TIFF": ("tiff: {compression: deflate}", DEFLATE_TIFF),
    "LZW TIFF": ("tiff: {compression: lzw}", f"[{TIFF},compression=lzw,predictor=horizontal]"),
}
CASES += [Case(f"100 MP: {name} read", source, "[]", NONE[0], "copy()", NONE[1], 3) for name, source in READ.items()]
CASES += [Case(f"100 MP: {name} written", "none.tif", "[]", output, "copy()", options, 3)
          for name, (output, options) in WRITTEN.items()]

# A process of its own, since what it starts has at least its own peak of memory.
LAUNCH = """
import json, os, sys, time
start = time.monotonic()
process = os.fork()
if process == 0:
    nothing = os.open("/dev/null", os.O_WRONLY)
    os.dup2(nothing, 1), os.dup2(nothing, 2)
    os.execvp(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(process, 0)
print(json.dumps([time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
sys.exit(status != 0)
"""

PEER = "import sys, pyvips; pyvips.Image.new_from_file(sys.argv[1], access='sequential').{}.write_to_file(sys.argv[2])"


def pictures(photograph):
    """The sources, made once: the photograph, cut or mirrored out."""
    whole = pyvips.Image.new_from_file(photograph).autorot().copy_memory()
    middle = (10000, 10000)
    sizes = {"small.jpg": (4000, 3000, "[Q=90]"), "middle.tif": (*middle, DEFLATE_TIFF), "none.tif": (*middle, NONE[1]),
             "middle.jpg": (*middle, "[Q=85]"), "middle.png": (*middle, "[compression=6]"), "jpeg.tif": (*middle, JPEG_TIFF),
             "lzw.tif": (*middle, WRITTEN["LZW TIFF"][1])}
    if not QUICK:
        sizes["large.tif"] = (30000, 30000, JPEG_TIFF)
    for name, (width, height, options) in sizes.items():
        if not (FOLDER / name).exists():
            print(f"  making {name}", flush=True)
            new = FOLDER / ("new-" + name)
            whole.embed(0, 0, width, height, extend="mirror").write_to_file(str(new) + options)
            new.rename(FOLDER / name)


def job(case):
    source, (result, _) = FOLDER / case.source, case.files()
    spec = {"source": {"uri": f"file://{source}"}}
    text = f"""apiVersion: tessera.dev/v1alpha1
kind: ImageJob
metadata: {{name: bench}}
spec:
  source: {json.dumps(spec["source"])}
  operations: {case.chain}
  output: {{uri: "file://{result}", ifExists: Replace, {case.output}}}
"""
    path = FOLDER / "job.yaml"
    path.write_text(text)
    return [TESSERA, "run", str(path), "--memory", "256"]


def peer(case):
    return [sys.executable, "-c", PEER.format(case.peer), str(FOLDER / case.source), str(case.files()[1]) + case.options]


def run(command):
    """(seconds, seconds of processors, MiB at most)"""
    launched = subprocess.run([sys.executable, "-I", "-S", "-c", LAUNCH, *command], stdout=subprocess.PIPE, check=False)
    if launched.returncode != 0:
        sys.exit(f"{' '.join(command)} failed")
    return tuple(json.loads(launched.stdout))


def difference(case):
    """Average and largest difference of the results, of a part of the picture that does not touch its border."""
    ours, theirs = (pyvips.Image.new_from_file(str(path)) for path in case.files())
    if (ours.width, ours.height, ours.bands) != (theirs.width, theirs.height, theirs.bands):
        sys.exit(f"{case.title}: {ours.width}x{ours.height}x{ours.bands} and {theirs.width}x{theirs.height}x{theirs.bands}")
    side = min(ours.width, ours.height, 4096) - 64
    a, b = (image.crop(32, 32, side, side) for image in (ours, theirs))
    apart = (a - b).abs()
    return apart.avg(), apart.max()


def measure(case):
    commands = {"tessera": job(case), "libvips": peer(case)}
    for command in commands.values():
        run(command)
    average, largest = difference(case)
    # Gradients of the two have other scales (see docs/operations.md): only a picture is asked for.
    if "sobel" not in case.chain and average > 1.5:
        sys.exit(f"{case.title}: the results differ by {average:.2f} levels on average")
    times = {name: [] for name in commands}
    for _ in range(3 if QUICK else case.rounds):
        for name, command in commands.items():
            times[name].append(run(command))
    sizes = [path.stat().st_size / 1e6 for path in case.files()]
    return times, (average, largest), sizes


def row(case, times, apart, sizes):
    def spread(name, what):
        values = [each[what] for each in times[name]]
        return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"

    def middle(name, what):
        return statistics.median(each[what] for each in times[name])

    memory = {name: max(each[2] for each in times[name]) for name in times}
    return (f"| {case.title} | {spread('tessera', 0)} | {spread('libvips', 0)} "
            f"| **{middle('libvips', 0) / middle('tessera', 0):.2f}** "
            f"| {middle('tessera', 1):.2f} / {middle('libvips', 1):.2f} "
            f"| {memory['tessera']:.0f} / {memory['libvips']:.0f} | {sizes[0]:.1f} / {sizes[1]:.1f} "
            f"| {apart[0]:.2f} / {apart[1]:.0f} |")


HEAD = f"""<!-- Written by `make bench-files`. Do not edit. -->

# Whole files

From a file on the disk to a file on the disk, the whole process, by `tessera run` with 256 MiB to plan with and by libvips
(sequential access), in turn. Seconds: median (least to most). Above 1.00 Tessera is the faster.
{MACHINE}. {VERSIONS}.

| work | Tessera, s | libvips, s | ratio | processor time, s | peak memory, MiB | result, MB | difference |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""

FOOT = """
Pairs are Tessera / libvips; the difference is the average and the largest, in levels, of a part without borders. Both use
all processors. Rows that end in *read* write an uncompressed TIFF; those that end in *written* read one. libvips runs under
Python, whose start (about 0.1 s) is in its figures. Its JPEG at quality 90 and above is 4:4:4 and larger; ours is 4:2:0.
Its `sobel` has another scale than ours, and its PNG another compression.
"""


def main():
    pictures(os.environ["PHOTOGRAPH"])
    rows = []
    for case in CASES:
        if (FOLDER / case.source).exists() and not (QUICK and case.source == "large.tif"):
            rows.append(row(case, *measure(case)))
            print("  " + rows[-1], flush=True)
    Path(PAGE).parent.mkdir(parents=True, exist_ok=True)
    Path(PAGE).write_text(HEAD + "\n".join(rows) + "\n" + FOOT)


main()
