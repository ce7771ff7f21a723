"""Writes kinds/: small files of every kind of source, as other programs write them, and kinds/expected.txt with what
those programs read from them. Needs: pip install numpy pillow tifffile imagecodecs pyvips-binary pyvips
opencv-python-headless. Files that one program wrote are read by another wherever another can."""

import hashlib
import io
import pathlib
import struct
import zlib

import cv2
import imagecodecs
import numpy as np
import pyvips
import tifffile
from PIL import Image, ImageOps

OUT = pathlib.Path(__file__).parent / "kinds"
LINES = []
W, H = 29, 19


def sample(bands, bits, alpha=False):
    """Slopes, a flat corner and a little noise; the last band is alpha where asked for."""
    y, x = np.mgrid[0:H, 0:W]
    top = (1 << bits) - 1
    planes = [(x * 3 + y * 5 + c * 40 + (x * y + c) % 3) % 64 * top // 63 for c in range(bands)]
    image = np.stack(planes, -1)
    image[:4, :6] = top if bands == 1 else [0, top, top // 3, top][:bands]
    if alpha:
        image[..., -1] = np.minimum(top, x * top // 20)
        image[:3, 20:, -1] = top
    return image.astype(np.uint16 if bits > 8 else np.uint8)


def expect(name, pixels, reader):
    """The pixels that `reader` gives: (h, w, bands), 8 or 16 bits."""
    pixels = pixels if pixels.ndim == 3 else pixels[..., None]
    height, width, bands = pixels.shape
    raw = np.ascontiguousarray(pixels).astype(pixels.dtype.newbyteorder("<")).tobytes()
    digest = hashlib.sha256(raw).hexdigest()[:16]
    LINES.append(f"{name} {width} {height} {bands} {pixels.dtype.itemsize * 8} {digest} {reader}")


def by_pillow(data, mode):
    return np.array(Image.open(io.BytesIO(data)).convert(mode))


def by_vips(data):
    image = pyvips.Image.new_from_buffer(data, "")
    return image.numpy()


def by_cv(data):
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    order = {3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGBA}
    return image if image.ndim == 2 else cv2.cvtColor(image, order[image.shape[2]])


def put(name, data):
    (OUT / name).write_bytes(data)
    return data


def tiff(name, pixels, reader="original", **options):
    """A TIFF by tifffile. Lossless: what is read must be what was written."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(
        buffer, bigtiff=options.pop("bigtiff", False), byteorder=options.pop("byteorder", "<")
    ) as writer:
        writer.write(pixels, metadata=None, software=False, **options)
    data = put(name, buffer.getvalue())
    if reader == "original":
        shown = pixels
        if options.get("planarconfig") == "separate":
            shown = np.moveaxis(pixels, 0, -1)
        expect(name, shown, "as-written-by-tifffile")
        try:
            same = by_vips(data)
            same = same if same.ndim == 3 else same[..., None]
            shown = shown if shown.ndim == 3 else shown[..., None]
            if not (same.shape == shown.shape and (same == shown).all()):
                print("libvips reads", name, "otherwise")
        except pyvips.Error as error:
            print("libvips does not read", name, str(error).split("\n")[0])
    return data


def tiffs_of_tifffile():
    rgb8, rgb16, gray16 = sample(3, 8), sample(3, 16), sample(1, 16)[..., 0]
    rgba8, la16 = sample(4, 8, alpha=True), sample(2, 16, alpha=True)
    planes = lambda image: np.moveaxis(image, -1, 0).copy()
    tiff("packbits.tif", rgb8, photometric="rgb", compression="packbits", rowsperstrip=5)
    tiff("packbits-tiles-be16.tif", gray16, photometric="minisblack", compression="packbits", tile=(16, 16), byteorder=">")
    tiff("lzw-pred.tif", rgb8, photometric="rgb", compression="lzw", predictor=True, rowsperstrip=7)
    tiff("lzw-be16-pred.tif", rgb16, photometric="rgb", compression="lzw", predictor=True, tile=(16, 16), byteorder=">")
    tiff("zstd.tif", rgb8, photometric="rgb", compression="zstd", rowsperstrip=8)
    tiff("zstd-16-pred-big.tif", gray16, photometric="minisblack", compression="zstd", predictor=True, tile=(16, 16), bigtiff=True)
    tiff("deflate-be-big.tif", rgb8, photometric="rgb", compression="zlib", predictor=True, tile=(16, 32), byteorder=">", bigtiff=True)
    tiff("deflate-32946.tif", rgb8, photometric="rgb", compression="deflate", rowsperstrip=8)
    tiff("planar.tif", planes(rgb8), photometric="rgb", planarconfig="separate")
    tiff("planar-strips-lzw-pred.tif", planes(rgb16), photometric="rgb", planarconfig="separate", compression="lzw", predictor=True, rowsperstrip=5)
    tiff("planar-tiles-zstd-be16.tif", planes(rgb16), photometric="rgb", planarconfig="separate", compression="zstd", tile=(16, 16), byteorder=">")
    tiff("planar-rgba-deflate.tif", planes(rgba8), photometric="rgb", planarconfig="separate", compression="zlib", predictor=True, extrasamples=["unassalpha"], tile=(16, 16))
    tiff("planar-gray-alpha.tif", planes(la16), photometric="minisblack", planarconfig="separate", extrasamples=["unassalpha"], rowsperstrip=6)
    tiff("gray-alpha-16.tif", la16, photometric="minisblack", extrasamples=["unassalpha"], compression="zlib", predictor=True)
    tiff("unassociated.tif", rgba8, photometric="rgb", extrasamples=["unassalpha"], compression="lzw")
    tiff("sub-directories.tif", rgb8, photometric="rgb", compression="zlib", subifds=0)
    # 8-bit and 16-bit gray with 0 as white: libvips shows them inverted, as we do.
    for bits in (8, 16):
        data = tiff(f"white-is-zero-{bits}.tif", sample(1, bits)[..., 0], reader=None, photometric="miniswhite", compression="zlib")
        expect(f"white-is-zero-{bits}.tif", by_vips(data), "libvips")
    colours = (np.arange(256)[None, :] * np.array([[257], [131], [50]]) % 65536).astype(np.uint16)
    data = tiff("palette-8.tif", sample(1, 8)[..., 0], reader=None, photometric="palette", colormap=colours, compression="lzw")
    expect("palette-8.tif", by_pillow(data, "RGB"), "Pillow")
    data = tiff("jpeg-planar.tif", planes(rgb8), reader=None, photometric="rgb", planarconfig="separate", compression="jpeg", tile=(16, 16))
    expect("jpeg-planar.tif", np.moveaxis(tifffile.imread(io.BytesIO(data)), 0, -1), "tifffile")
    data = tiff("jpeg-gray-be.tif", sample(1, 8)[..., 0], reader=None, photometric="minisblack", compression="jpeg", tile=(16, 16), byteorder=">")
    expect("jpeg-gray-be.tif", by_pillow(data, "L"), "Pillow")


def tiffs_of_vips():
    vips = lambda image: pyvips.Image.new_from_array(image)
    rgb = vips(sample(3, 8))
    gray = vips(sample(1, 8)[..., 0])

    def save(name, image, reader=by_vips, **options):
        data = put(name, image.tiffsave_buffer(**options))
        expect(name, reader(data), {by_vips: "libvips"}.get(reader, "Pillow"))

    for bits in (1, 2, 4):
        save(f"bits-{bits}.tif", gray, bitdepth=bits, compression="deflate", predictor="none")
        save(f"bits-{bits}-tiles.tif", gray, bitdepth=bits, tile=True, tile_width=16, tile_height=16)
        save(f"bits-{bits}-white.tif", gray, bitdepth=bits, miniswhite=True, compression="packbits")
    save("cog.tif", rgb, tile=True, tile_width=16, tile_height=16, pyramid=True, subifd=False, compression="deflate")
    save("pyramid-in-subifds.tif", rgb, tile=True, tile_width=16, tile_height=16, pyramid=True, subifd=True, compression="lzw")
    save("jpeg-shared-tables-420.tif", rgb, tile=True, tile_width=16, tile_height=16, compression="jpeg", Q=75)
    save("jpeg-rgb-444.tif", rgb, tile=True, tile_width=16, tile_height=16, compression="jpeg", Q=95)
    save("jpeg-strips.tif", rgb, compression="jpeg", Q=80)
    # libvips and tifffile keep associated alpha as it is stored.
    tiff("associated-16-be.tif", premultiply16(), reader=None, photometric="rgb", extrasamples=["assocalpha"], byteorder=">", compression="zlib")
    expect("associated-16-be.tif", divide16(premultiply16()), "numpy")


def premultiply16():
    image = sample(4, 16, alpha=True).astype(np.uint64)
    image[..., :3] = image[..., :3] * image[..., 3:] // 65535
    return image.astype(np.uint16)


def divide16(image):
    """Colour / alpha, rounded half to even; 0 where alpha is 0."""
    image = image.astype(np.float64)
    alpha = image[..., 3:]
    colours = np.where(alpha == 0, 0, np.rint(image[..., :3] * 65535 / np.maximum(alpha, 1)))
    return np.concatenate([np.minimum(colours, 65535), alpha], -1).astype(np.uint16)


def tiffs_of_pillow():
    gray = Image.fromarray(sample(1, 8)[..., 0])
    for name, image, options in [
        ("pillow-1-bit.tif", gray.convert("1"), {"compression": "packbits"}),
        ("pillow-1-bit-raw.tif", gray.convert("1"), {}),
        ("pillow-palette.tif", Image.fromarray(sample(3, 8)).quantize(16), {"compression": "tiff_lzw"}),
        ("pillow-jpeg.tif", Image.fromarray(sample(3, 8)), {"compression": "jpeg"}),
        ("pillow-zstd.tif", Image.fromarray(sample(3, 8)), {"compression": "zstd"}),
    ]:
        buffer = io.BytesIO()
        image.save(buffer, "TIFF", **options)
        data = put(name, buffer.getvalue())
        mode = "RGB" if image.mode in "RGBP" else "L"
        expect(name, by_pillow(data, mode), "Pillow")


def with_chunk(png, name, data):
    """The PNG with a chunk in front of its first IDAT."""
    at = png.index(b"IDAT") - 4
    chunk = struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return png[:at] + chunk + png[at:]


def pngs():
    rgb8, rgb16 = sample(3, 8), sample(3, 16)

    def pillow(name, image, mode, **options):
        buffer = io.BytesIO()
        image.save(buffer, "PNG", **options)
        data = put(name, buffer.getvalue())
        expect(name, by_pillow(data, mode), "Pillow")

    gray = Image.fromarray(sample(1, 8)[..., 0])
    pillow("gray-1.png", gray.convert("1"), "L")
    pillow("gray-1-trns.png", gray.convert("1"), "LA", transparency=1)
    pillow("gray-8-trns.png", gray, "LA", transparency=int(np.array(gray)[0, 0]))
    pillow("gray-alpha.png", Image.fromarray(sample(2, 8, alpha=True), "LA"), "LA")
    pillow("rgb-trns.png", Image.fromarray(rgb8), "RGBA", transparency=tuple(int(v) for v in rgb8[0, 0]))
    for colours in (2, 4, 16, 200):
        image = Image.fromarray(rgb8).quantize(colours)
        pillow(f"palette-{colours}.png", image, "RGB")
        pillow(f"palette-{colours}-trns.png", image, "RGBA", transparency=1)
    for bits in (2, 4):
        image = pyvips.Image.new_from_array(sample(1, 8)[..., 0])
        for interlace in (False, True):
            name = f"gray-{bits}{'-interlaced' if interlace else ''}.png"
            data = put(name, image.pngsave_buffer(bitdepth=bits, interlace=interlace))
            expect(name, by_pillow(data, "L"), "Pillow")
    # A transparent colour of 2- and 4-bit gray: the chunk is ours, what it means is libvips's.
    for bits in (2, 4):
        data = put(f"gray-{bits}-trns.png", with_chunk((OUT / f"gray-{bits}.png").read_bytes(), b"tRNS", b"\0\1"))
        expect(f"gray-{bits}-trns.png", by_vips(data), "libvips")
    for name, image in [("gray-16.png", sample(1, 16)[..., 0]), ("rgb-16.png", rgb16), ("rgba-16.png", sample(4, 16, alpha=True))]:
        flipped = image if image.ndim == 2 else image[..., [2, 1, 0, 3][: image.shape[2]]]
        data = put(name, cv2.imencode(".png", flipped)[1].tobytes())
        expect(name, by_cv(data), "OpenCV")
    data = put("rgb-16-trns.png", with_chunk((OUT / "rgb-16.png").read_bytes(), b"tRNS", struct.pack(">3H", *rgb16[0, 0])))
    expect("rgb-16-trns.png", by_vips(data), "libvips")
    data = put("gray-16-trns.png", with_chunk((OUT / "gray-16.png").read_bytes(), b"tRNS", struct.pack(">H", sample(1, 16)[0, 0, 0])))
    expect("gray-16-trns.png", by_vips(data), "libvips")
    image = pyvips.Image.new_from_array(sample(4, 16, alpha=True)).copy(interpretation="rgb16")
    data = put("rgba-16-interlaced.png", image.pngsave_buffer(interlace=True))
    expect("rgba-16-interlaced.png", by_cv(data), "OpenCV")


def jpegs():
    rgb = Image.fromarray(sample(3, 8))

    def save(name, data):
        put(name, data)
        mode = "L" if name.startswith("gray") else "RGB"
        expect(name, by_pillow(data, mode), "Pillow")

    def pillow(name, image, **options):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", **options)
        save(name, buffer.getvalue())

    pillow("gray.jpg", rgb.convert("L"), quality=80)
    pillow("gray-progressive.jpg", rgb.convert("L"), quality=80, progressive=True)
    for subsampling in (0, 1, 2):
        pillow(f"ycbcr-{subsampling}.jpg", rgb, quality=85, subsampling=subsampling)
    pillow("progressive.jpg", rgb, quality=85, progressive=True)
    pillow("restarts.jpg", rgb, quality=70, restart_marker_rows=1)
    pillow("rgb.jpg", rgb, quality=85, keep_rgb=True)
    inks = sample(4, 8)
    pillow("cmyk.jpg", Image.fromarray(inks, "CMYK"), quality=90)
    pillow("cmyk-progressive.jpg", Image.fromarray(inks, "CMYK"), quality=90, progressive=True)
    save("ycck.jpg", imagecodecs.jpeg8_encode(inks, level=90, colorspace="CMYK", outcolorspace="YCCK"))


def webps():
    rgb, rgba = Image.fromarray(sample(3, 8)), Image.fromarray(sample(4, 8, alpha=True))
    for name, image, options in [
        ("lossless.webp", rgb, {"lossless": True}),
        ("lossless-alpha.webp", rgba, {"lossless": True, "exact": True}),
        ("lossy.webp", rgb, {"quality": 80}),
        ("lossy-alpha.webp", rgba, {"quality": 80}),
    ]:
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", **options)
        data = put(name, buffer.getvalue())
        expect(name, by_pillow(data, image.mode), "Pillow")


def turned():
    """One file of each format, which the test gives all eight orientations in turn."""
    image = Image.fromarray(sample(3, 8))
    for name, options in [
        ("turned.tif", {"compression": "tiff_lzw", "tiffinfo": {274: 6}}),
        ("turned.png", {}),
        ("turned.jpg", {"quality": 90}),
        ("turned.webp", {"lossless": True}),
    ]:
        exif = Image.Exif()
        exif[274] = 6
        if not name.endswith("tif"):
            options["exif"] = exif
        buffer = io.BytesIO()
        image.save(buffer, **options, format={"tif": "TIFF", "jpg": "JPEG"}.get(name[7:], name[7:].upper()))
        data = put(name, buffer.getvalue())
        field = next(
            (f, at) for f in (b"\x12\x01\x03\x00\x01\x00\x00\x00\x06", b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06")
            if (at := data.find(f)) >= 0
        )
        at = field[1] + len(field[0]) - 1
        for tag in range(1, 9):
            changed = bytearray(data)
            changed[at] = tag
            if name.endswith("png"):
                start = data.index(b"eXIf")
                length = struct.unpack(">I", data[start - 4:start])[0]
                changed[start + 4 + length:start + 8 + length] = struct.pack(">I", zlib.crc32(changed[start:start + 4 + length]))
            shown = ImageOps.exif_transpose(Image.open(io.BytesIO(bytes(changed))))
            expect(f"{name}:{at}:{tag}", np.array(shown.convert("RGB")), "Pillow")


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    for part in (tiffs_of_tifffile, tiffs_of_vips, tiffs_of_pillow, pngs, jpegs, webps, turned):
        part()
    (OUT / "expected.txt").write_text("\n".join(LINES) + "\n")
    print(len(LINES), "lines,", sum(f.stat().st_size for f in OUT.iterdir()), "bytes")
