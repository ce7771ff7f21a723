"""Converts pictures by `tessera run` to every output with every option, and opens the files with the programs of the field:
libtiff, libvips, GDAL with its COG validator, pngcheck, djpeg and Pillow. Pixels must be those that went in; profile,
resolution, georeference and "no data" must be carried as docs/formats.md says.

    check.py TESSERA    prints a line for each output, and ends with 1 if a program disagreed
"""
import json
import math
import os
import subprocess
import sys
import tempfile

import numpy as np
import rasterio
import tifffile
from PIL import Image, ImageCms
from rasterio.transform import Affine

import programs

WRONG = []
WIDTH, HEIGHT = 1400, 1100
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PLACE = Affine(10, 0, 500_000, 0, -10, 4_000_000)


def picture(channels, dtype):
    """Gradients, noise, and flat parts, so that predictors and run lengths have something to do."""
    random, top = np.random.default_rng(7), np.iinfo(dtype).max
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    planes = [(np.sin(x / (37 + 9 * c)) + np.cos(y / (53 - 7 * c)) + 2) * top / 4 for c in range(channels)]
    image = np.stack(planes, -1) + random.normal(0, top / 100, (HEIGHT, WIDTH, 1))
    image[200:500, 300:900] = top
    image[700:900, :, :1] = 0
    return np.clip(np.rint(image), 0, top).astype(dtype)


def sources(folder):
    """A TIFF of each pixel type, by tifffile: its name and pixels."""
    kinds = {1: ("minisblack", None), 2: ("minisblack", ["unassalpha"]), 3: ("rgb", None), 4: ("rgb", ["unassalpha"])}
    for channels, (photometric, extra) in kinds.items():
        for dtype in (np.uint8, np.uint16):
            name, image = f"{channels}x{np.dtype(dtype).itemsize * 8}", picture(channels, dtype)
            more = {"extrasamples": extra} if extra else {}
            more |= {"iccprofile": PROFILE} if channels > 2 else {}
            tifffile.imwrite(
                os.path.join(folder, f"{name}.tif"), image if channels > 1 else image[..., 0], photometric=photometric, tile=(256, 256),
                compression="deflate", resolution=(300, 150), resolutionunit="INCH", metadata=None, **more,
            )
            yield name, image


class Folder:
    """Runs jobs in a folder."""

    def __init__(self, path, tessera):
        self.path, self.tessera = path, os.path.abspath(tessera)

    def run(self, source, output, operations=(), more=()):
        """The path of the result. `output` is a name and options."""
        name, options = output
        spec = {"source": {"uri": source}, "operations": list(operations), "output": {"uri": name, "ifExists": "Replace", **options}}
        job = {"apiVersion": "tessera.dev/v1alpha1", "kind": "ImageJob", "metadata": {"name": "a"}, "spec": spec}
        with open(os.path.join(self.path, "job.yaml"), "w") as file:
            json.dump(job, file)
        done = subprocess.run([self.tessera, "run", "job.yaml", *more], cwd=self.path, capture_output=True, text=True)
        assert done.returncode == 0, f"{spec}: {done.stderr}"
        return os.path.join(self.path, name)


def expect(what, condition, details=""):
    if not condition:
        WRONG.append(f"{what}: {details}")
        print(f"WRONG {what}: {details}")


def attempt(what, function, *arguments):
    """What a program gives; None where it fails."""
    try:
        return function(*arguments)
    except Exception as error:  # Any failure of theirs is a finding.
        expect(what, False, f"{type(error).__name__}: {str(error)[:600]}")
        return None


def compare(what, found, expected):
    if found is not None:
        same = found.shape == expected.shape and found.dtype == expected.dtype and np.array_equal(found, expected)
        expect(what, same, f"{found.shape} {found.dtype}, not the pixels of {expected.shape} {expected.dtype}")


def quality_of(found, expected):
    """Peak signal to noise in dB."""
    error = np.mean((found.astype(float) - expected) ** 2)
    return 10 * math.log10(255**2 / error) if error else math.inf


def halved(image):
    """The next level of a COG: (a + b + c + d + 2) >> 2, the last row and column once more where they are odd."""
    image = np.pad(image.astype(np.int64), ((0, image.shape[0] % 2), (0, image.shape[1] % 2), (0, 0)), mode="edge")
    return (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2] + 2) >> 2


def check_tiff(folder, name, image, kind, tile, compression):
    lossless, alpha = compression != "jpeg", image.shape[2] in (2, 4)
    if not lossless and (alpha or image.itemsize == 2):
        return
    what = f"{name} {kind} {tile} {compression}"
    path = folder.run(f"{name}.tif", ("out.tif", {kind: {"tile": tile, "compression": compression}}))
    readers = {"libtiff": programs.libtiff, "libvips": programs.libvips, "GDAL": programs.gdal}
    if image.itemsize == 1 or image.shape[2] == 1:
        readers["Pillow"] = programs.pillow
    if compression == "zstd":
        # The libtiff inside libvips' wheel was built without it; it reads zeros, and says nothing.
        del readers["libvips"]
    for reader, read in readers.items():
        # libtiff's copy of a YCbCr JPEG stays YCbCr.
        if lossless or reader != "libtiff":
            found = attempt(f"{what} {reader}", read, path)
            if lossless:
                compare(f"{what} {reader}", found, image)
            elif found is not None:
                expect(f"{what} {reader}", quality_of(found, image) > 25, f"{quality_of(found, image):.1f} dB")
        else:
            attempt(f"{what} libtiff", programs.command, "tiffinfo", "-s", path)
    if kind == "cog":
        check_cog(what, path, image, lossless)
    check_notes(what, path, image)


def check_cog(what, path, image, lossless):
    attempt(f"{what} GDAL's validator", programs.valid_cog, path)
    with rasterio.open(path) as file:
        factors = file.overviews(1)
    expect(f"{what} overviews", len(factors) > 0 and all(f == 2 << n for n, f in enumerate(factors)), str(factors))
    level = image
    for page in range(1, len(factors) + 1):
        level = halved(level)
        if lossless and image.shape[2] in (1, 3):
            found = attempt(f"{what} level {page}", programs.gdal_level, path, page)
            compare(f"{what} level {page}", found, level.astype(image.dtype))


def check_notes(what, path, image):
    with tifffile.TiffFile(path) as file:
        tags = file.pages[0].tags
        resolution = [tags[tag].value for tag in (282, 283)]
        expect(f"{what} resolution", [a / b for a, b in resolution] == [300, 150] and tags[296].value == 2, str(resolution))
        found = tags[34675].value if 34675 in tags else None
        expect(f"{what} profile", found == (PROFILE if image.shape[2] > 2 else None), "it is another one, or missing")


def check_png(folder, name, image):
    what, path = f"{name} png", folder.run(f"{name}.tif", ("out.png", {"png": {}}))
    attempt(f"{what} pngcheck", programs.pngcheck, path)
    compare(f"{what} libvips", attempt(f"{what} libvips", programs.libvips, path), image)
    compare(f"{what} GDAL", attempt(f"{what} GDAL", programs.gdal, path), image)
    if image.itemsize == 1:
        compare(f"{what} Pillow", attempt(f"{what} Pillow", programs.pillow, path), image)
    with Image.open(path) as file:
        dpi = file.info.get("dpi", (0, 0))
        expect(f"{what} resolution", abs(dpi[0] - 300) < 0.1 and abs(dpi[1] - 150) < 0.1, str(dpi))
        expect(f"{what} profile", file.info.get("icc_profile") == (PROFILE if image.shape[2] > 2 else None), "it is another one")


def check_jpeg(folder, name, image, quality):
    if image.itemsize == 2 or image.shape[2] in (2, 4):
        return
    what, path = f"{name} jpeg {quality}", folder.run(f"{name}.tif", ("out.jpg", {"jpeg": {"quality": quality}}))
    found = attempt(f"{what} djpeg", programs.djpeg, path)
    if found is None:
        return
    least = {1: 10, 50: 25, 90: 28, 100: 30}[quality]
    expect(f"{what} djpeg", found.shape == image.shape and quality_of(found, image) > least, f"{quality_of(found, image):.1f} dB")
    for reader, read in {"Pillow": programs.pillow, "libvips": programs.libvips}.items():
        compare(f"{what} {reader}", attempt(f"{what} {reader}", read, path), found)
    with Image.open(path) as file:
        expect(f"{what} resolution", file.info.get("dpi") == (300, 150), str(file.info.get("dpi")))
        expect(f"{what} profile", file.info.get("icc_profile") == (PROFILE if image.shape[2] > 2 else None), "it is another one")
    # What is read again has the same pixels.
    again = folder.run("out.jpg", ("again.png", {"png": {}}))
    compare(f"{what} read by ourselves", programs.pillow(again), found)


GEOMETRY = {
    "same": ([], PLACE),
    "crop": ([{"crop": {"x": 100, "y": 60, "width": 700, "height": 500}}], PLACE * Affine.translation(100, 60)),
    "half": ([{"resize": {"scale": 0.5}}], PLACE * Affine.scale(2)),
    "quarter turn": ([{"rotate": {"degrees": 90}}], PLACE * Affine(0, 1, 0, -1, 0, HEIGHT)),
    "flip": ([{"flip": {"axis": "horizontal"}}], PLACE * Affine(-1, 0, WIDTH, 0, 1, 0)),
    "blur": ([{"gaussianBlur": {"sigma": 2}}], PLACE),
}


def check_geo(folder):
    """A georeference, a resolution and "no data", through what moves pixels."""
    image = picture(3, np.uint8)
    with rasterio.open(
        os.path.join(folder.path, "geo.tif"), "w", driver="GTiff", width=WIDTH, height=HEIGHT, count=3, dtype="uint8", crs="EPSG:32633",
        transform=PLACE, nodata=255, tiled=True, blockxsize=256, blockysize=256, compress="deflate", photometric="RGB",
    ) as file:
        file.write(np.moveaxis(image, -1, 0))
        file.update_tags(TIFFTAG_XRESOLUTION="300", TIFFTAG_YRESOLUTION="150", TIFFTAG_RESOLUTIONUNIT="2")
    resolutions = {"half": (150, 75), "quarter turn": (150, 300)}
    for name, (operations, place) in GEOMETRY.items():
        for kind in ("tiff", "cog"):
            path = folder.run("geo.tif", ("out.tif", {kind: {}}), operations)
            with rasterio.open(path) as file:
                expect(f"geo {name} {kind} coordinates", file.crs is not None and file.crs.to_epsg() == 32633, str(file.crs))
                expect(f"geo {name} {kind} transform", file.transform.almost_equals(place, 1e-6), f"{file.transform!r}, not {place!r}")
                expect(f"geo {name} {kind} no data", file.nodata == (None if name in ("blur", "half") else 255), str(file.nodata))
            with tifffile.TiffFile(path) as file:
                found = [a / b for a, b in (file.pages[0].tags[tag].value for tag in (282, 283))]
            expect(f"geo {name} {kind} resolution", tuple(found) == resolutions.get(name, (300, 150)), str(found))
            if kind == "cog":
                attempt(f"geo {name} GDAL's validator", programs.valid_cog, path)
    print("georeference, resolution and no data through", ", ".join(GEOMETRY))


def check_profile_of_gray(folder):
    path = folder.run("3x8.tif", ("out.tif", {"tiff": {}}), [{"grayscale": {}}])
    with tifffile.TiffFile(path) as file:
        expect("grayscale", 34675 not in file.pages[0].tags, "it keeps a profile of colours")


def check_large(folder):
    """A BigTIFF, shards and several bands of a PNG."""
    image = np.tile(picture(3, np.uint8), (4, 4, 1))
    tifffile.imwrite(os.path.join(folder.path, "large.tif"), image, photometric="rgb", tile=(512, 512), bigtiff=True, compression="lzw")
    for name, options in {"large-out.png": {"png": {}}, "large-out.tif": {"cog": {"compression": "zstd"}}}.items():
        path = folder.run("large.tif", (name, options), more=["--shards", "3"])
        compare(f"large {name} GDAL", attempt(f"large {name}", programs.gdal, path), image)
        attempt(f"large {name}", programs.pngcheck if name.endswith("png") else programs.valid_cog, path)


def main():
    with tempfile.TemporaryDirectory() as path:
        folder = Folder(path, sys.argv[1])
        for name, image in sources(path):
            for kind in ("tiff", "cog"):
                for compression in ("none", "deflate", "zstd", "lzw", "jpeg"):
                    check_tiff(folder, name, image, kind, 256, compression)
            check_png(folder, name, image)
            for quality in (1, 50, 90, 100):
                check_jpeg(folder, name, image, quality)
            print(f"{name}: opened as TIFF, COG, PNG and JPEG", flush=True)
            if name == "3x8":
                for tile in (512, 1024):
                    for kind in ("tiff", "cog"):
                        check_tiff(folder, name, image, kind, tile, "deflate")
                        check_tiff(folder, name, image, kind, tile, "jpeg")
        check_profile_of_gray(folder)
        check_geo(folder)
        check_large(folder)
    print(f"{len(WRONG)} findings")
    sys.exit(bool(WRONG))


main()
