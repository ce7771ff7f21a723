"""A peer of `make bench`: engine_peers.py opencv|vips FOLDER WIDTH HEIGHT THREADS.

It reads lines "CASE", runs the case once and answers with its seconds, "-" where this engine has no such operation; and
lines "CASE<tab>PATH", which leave the result's raw samples at PATH as well. The pixels are FOLDER/rgb, rgba and gray.
"""

import sys
import time

import numpy as np

engine, folder, width, height, threads = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])


def picture(name, channels):
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.fromfile(f"{folder}/{name}", np.uint8).reshape(shape)


class Pictures(dict):
    """Made when they are first asked for: "gray", "rgb", "rgba", "rgb16", "gray16", and "... part" of an eighth of the rows."""

    def __missing__(self, key):
        if key.endswith(" part"):
            value = np.ascontiguousarray(self[key[:-5]][: height // 8])
        elif key.endswith("16"):
            value = self[key[:-2]].astype(np.uint16) * 257
        else:
            value = picture(key, {"gray": 1, "rgb": 3, "rgba": 4}[key])
        self[key] = value
        return value


P = Pictures()
BORDER = 1  # replicate


def table(curve):
    v = np.arange(256) / 255.0
    return np.clip(np.rint(curve(v) * 255), 0, 255).astype(np.uint8)


GAMMA = table(lambda v: v ** (1 / 2.2))
LEVELS = table(lambda v: np.clip((v - 0.1) / 0.8, 0, 1) ** (1 / 1.5))
POSTERIZE = table(lambda v: np.rint(v * 6) / 6)
SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
KERNEL3 = np.outer([1, 2, 1], [1, 2, 1]) / 16
KERNEL5 = np.outer([1, 2, 3, 2, 1], [1, 2, 3, 2, 1]) / 81


def opencv():
    import cv2

    cv2.setNumThreads(threads)
    outputs, tables = {}, {}

    def out(name, shape, kind=np.uint8):
        """A buffer that is there from call to call."""
        key = (name, shape, kind)
        if key not in outputs:
            outputs[key] = np.ones(shape, kind)
        return outputs[key]

    def to(call, key, *arguments, **named):
        image = P[key]
        return call(image, *arguments, dst=out("dst", image.shape, image.dtype.type), **named)

    def hue_saturation(key):
        image = P[key]
        if "hsv" not in tables:
            v = np.arange(256)
            rows = [(v + 15) % 180, np.minimum(v * 1.2, 255).round(), v]
            tables["hsv"] = np.stack(rows, -1).astype(np.uint8)[None]
        hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV, dst=out("hsv", image.shape))
        return cv2.cvtColor(cv2.LUT(hsv, tables["hsv"], dst=hsv), cv2.COLOR_HSV2RGB, dst=out("dst", image.shape))

    def unsharp(key):
        blurred = to(cv2.GaussianBlur, key, (11, 11), 1.5, borderType=BORDER)
        return cv2.addWeighted(P[key], 2, blurred, -1, 0, dst=blurred)

    def l2(image, x, y):
        length = cv2.magnitude(x, y, magnitude=out("length", x.shape, np.float32))
        if image.dtype == np.uint8:
            return cv2.convertScaleAbs(length, dst=out("edges", x.shape))
        return np.minimum(np.rint(length, out=length), 65535, out=length).astype(np.uint16)

    def gradient(key, call):
        image = P[key]
        x, y = (call(image, *order, out(f"g{order}", image.shape, np.float32)) for order in ((1, 0), (0, 1)))
        return l2(image, x, y)

    def sobel(image, dx, dy, dst, kind=cv2.CV_32F):
        return cv2.Sobel(image, kind, dx, dy, dst=dst, borderType=BORDER)

    def scharr(image, dx, dy, dst):
        return cv2.Scharr(image, cv2.CV_32F, dx, dy, dst=dst, borderType=BORDER)

    def prewitt(image, dx, dy, dst):
        kernel = np.outer([1, 1, 1], [-1, 0, 1]).astype(np.float32)
        return cv2.filter2D(image, cv2.CV_32F, kernel if dx else kernel.T.copy(), dst=dst, borderType=BORDER)

    def sobel_l1(image):
        x = sobel(image, 1, 0, out("x", image.shape, np.int16), cv2.CV_16S)
        y = sobel(image, 0, 1, out("y", image.shape, np.int16), cv2.CV_16S)
        a, b = (cv2.convertScaleAbs(g, dst=out(name, g.shape)) for g, name in ((x, "a"), (y, "b")))
        return cv2.add(a, b, dst=a)

    def laplacian(key):
        image = P[key]
        edges = cv2.Laplacian(image, cv2.CV_16S, dst=out("x", image.shape, np.int16), ksize=1, borderType=BORDER)
        return cv2.convertScaleAbs(edges, dst=out("edges", image.shape))

    def difference(key):
        image = P[key]
        a = cv2.GaussianBlur(image, (7, 7), 1, dst=out("a", image.shape), borderType=BORDER)
        b = cv2.GaussianBlur(image, (13, 13), 2, dst=out("b", image.shape), borderType=BORDER)
        return cv2.absdiff(a, b, dst=a)

    def element(radius, shape=cv2.MORPH_RECT):
        return cv2.getStructuringElement(shape, (2 * radius + 1, 2 * radius + 1))

    def morphology(kind, radius, key="rgb", shape=cv2.MORPH_RECT):
        image = P[key]
        return cv2.morphologyEx(image, kind, element(radius, shape), dst=out("dst", image.shape))

    def resize(key, scale, how):
        image = P[key]
        size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        return cv2.resize(image, size, dst=out("dst", (size[1], size[0], *image.shape[2:])), interpolation=how)

    def rotate(key, how, turned):
        image = P[key]
        shape = (image.shape[1], image.shape[0], *image.shape[2:]) if turned else image.shape
        return cv2.rotate(image, how, dst=out("dst", shape))

    def chain():
        gray = cv2.cvtColor(P["rgb"], cv2.COLOR_RGB2GRAY, dst=out("gray", (height, width)))
        blurred = cv2.GaussianBlur(gray, (11, 11), 1.5, dst=out("blurred", gray.shape), borderType=BORDER)
        x, y = (sobel(blurred, *order, out(f"g{order}", gray.shape, np.float32)) for order in ((1, 0), (0, 1)))
        return l2(blurred, x, y)

    def crop():
        part = P["rgb"][10 : height - 10, 10 : width - 10]
        return cv2.copyTo(part, None, dst=out("dst", part.shape))

    blur = lambda key, size, sigma: to(cv2.GaussianBlur, key, (size, size), sigma, borderType=BORDER)
    gray_shape = (height, width)
    return {
        "grayscale": lambda: cv2.cvtColor(P["rgb"], cv2.COLOR_RGB2GRAY, dst=out("gray", gray_shape)),
        "invert": lambda: to(cv2.bitwise_not, "rgb"),
        "brightnessContrast": lambda: to(cv2.convertScaleAbs, "rgb", alpha=1.2, beta=127.5 - 1.2 * 127.5 + 25.5),
        "gamma": lambda: to(cv2.LUT, "rgb", GAMMA),
        "levels": lambda: to(cv2.LUT, "rgb", LEVELS),
        "hueSaturation": lambda: hue_saturation("rgb"),
        "threshold": lambda: to(cv2.threshold, "rgb", 128, 255, cv2.THRESH_BINARY)[1],
        "posterize": lambda: to(cv2.LUT, "rgb", POSTERIZE),
        "sepia": lambda: to(cv2.transform, "rgb", SEPIA),
        "colorMap": lambda: cv2.cvtColor(
            cv2.applyColorMap(P["gray"], cv2.COLORMAP_VIRIDIS, dst=out("dst", (height, width, 3))),
            cv2.COLOR_BGR2RGB,
        )
        if checking
        else cv2.applyColorMap(P["gray"], cv2.COLORMAP_VIRIDIS, dst=out("dst", (height, width, 3))),
        "channel": lambda: cv2.extractChannel(P["rgb"], 1, dst=out("gray", gray_shape)),
        "depth 8 to 16": lambda: cv2.multiply(
            P["rgb"], (257, 257, 257, 257), dst=out("wide", P["rgb"].shape, np.uint16), dtype=cv2.CV_16U
        ),
        "depth 16 to 8": lambda: cv2.convertScaleAbs(P["rgb16"], dst=out("dst", P["rgb"].shape), alpha=1 / 257),
        "gaussianBlur 1.5 gray": lambda: blur("gray", 11, 1.5),
        "gaussianBlur 1.5": lambda: blur("rgb", 11, 1.5),
        "gaussianBlur 5": lambda: blur("rgb", 31, 5),
        "gaussianBlur 1.5 16-bit": lambda: blur("rgb16", 11, 1.5),
        "boxBlur 5 gray": lambda: to(cv2.blur, "gray", (11, 11), borderType=BORDER),
        "boxBlur 5": lambda: to(cv2.blur, "rgb", (11, 11), borderType=BORDER),
        "medianBlur 1": lambda: to(cv2.medianBlur, "rgb", 3),
        "medianBlur 2": lambda: to(cv2.medianBlur, "rgb", 5),
        "medianBlur 3": lambda: to(cv2.medianBlur, "rgb part", 7),
        "medianBlur 7": lambda: to(cv2.medianBlur, "rgb part", 15),
        "medianBlur 2 16-bit": lambda: to(cv2.medianBlur, "gray16", 5),
        "bilateralFilter 4": lambda: to(cv2.bilateralFilter, "rgb part", 9, 50, 3, borderType=BORDER),
        "bilateralFilter 4 gray": lambda: to(cv2.bilateralFilter, "gray part", 9, 50, 3, borderType=BORDER),
        "unsharpMask 1.5": lambda: unsharp("rgb"),
        "unsharpMask 1.5 gray": lambda: unsharp("gray"),
        "convolve 3x3": lambda: to(cv2.filter2D, "rgb", -1, KERNEL3, borderType=BORDER),
        "convolve 5x5": lambda: to(cv2.filter2D, "rgb", -1, KERNEL5, borderType=BORDER),
        "sobel": lambda: gradient("gray", sobel),
        "sobel l1": lambda: sobel_l1(P["gray"]),
        "sobel RGB": lambda: gradient("rgb", sobel),
        "sobel 16-bit": lambda: gradient("gray16", sobel),
        "scharr": lambda: gradient("gray", scharr),
        "prewitt": lambda: gradient("gray", prewitt),
        "laplacian": lambda: laplacian("gray"),
        "differenceOfGaussians": lambda: difference("gray"),
        "erode 2 gray": lambda: morphology(cv2.MORPH_ERODE, 2, "gray"),
        "erode 2": lambda: morphology(cv2.MORPH_ERODE, 2),
        "dilate 2": lambda: morphology(cv2.MORPH_DILATE, 2),
        "erode 20": lambda: morphology(cv2.MORPH_ERODE, 20),
        "erode 5 ellipse": lambda: morphology(cv2.MORPH_ERODE, 5, shape=cv2.MORPH_ELLIPSE),
        "erode 2 cross": lambda: morphology(cv2.MORPH_ERODE, 2, shape=cv2.MORPH_CROSS),
        "open 2": lambda: morphology(cv2.MORPH_OPEN, 2),
        "close 2": lambda: morphology(cv2.MORPH_CLOSE, 2),
        "morphGradient 2": lambda: morphology(cv2.MORPH_GRADIENT, 2),
        "topHat 2": lambda: morphology(cv2.MORPH_TOPHAT, 2),
        "blackHat 2": lambda: morphology(cv2.MORPH_BLACKHAT, 2),
        "crop": crop,
        "flip horizontal": lambda: to(cv2.flip, "rgb", 1),
        "flip vertical": lambda: to(cv2.flip, "rgb", 0),
        "rotate 90 gray": lambda: rotate("gray", cv2.ROTATE_90_CLOCKWISE, True),
        "rotate 90": lambda: rotate("rgb", cv2.ROTATE_90_CLOCKWISE, True),
        "rotate 180": lambda: rotate("rgb", cv2.ROTATE_180, False),
        "resize 1/2 lanczos3": lambda: resize("rgb", 0.5, cv2.INTER_LANCZOS4),
        "resize 1/2 area": lambda: resize("rgb", 0.5, cv2.INTER_AREA),
        "resize 1/2 bilinear": lambda: resize("rgb", 0.5, cv2.INTER_LINEAR),
        "resize 1/8 lanczos3": lambda: resize("rgb", 0.125, cv2.INTER_LANCZOS4),
        "resize 2x bicubic": lambda: resize("rgb", 2, cv2.INTER_CUBIC),
        "resize 2x nearest": lambda: resize("rgb", 2, cv2.INTER_NEAREST),
        "chain": chain,
    }


def vips():
    import os

    os.environ["VIPS_CONCURRENCY"] = str(threads)
    import pyvips

    pyvips.cache_set_max(0)
    images = {}

    def image(key):
        if key not in images:
            array = P[key]
            bands = 1 if array.ndim == 2 else array.shape[2]
            kind = "uchar" if array.dtype == np.uint8 else "ushort"
            meaning = ("b-w" if bands == 1 else "srgb") if kind == "uchar" else ("grey16" if bands == 1 else "rgb16")
            made = pyvips.Image.new_from_memory(array.data, array.shape[1], array.shape[0], bands, kind)
            images[key] = made.copy(interpretation=meaning)
        return images[key]

    def lookup(values):
        return pyvips.Image.new_from_memory(values.tobytes(), 256, 1, 1 if values.ndim == 1 else 3, "uchar")

    def blur(key, sigma):
        return image(key).gaussblur(sigma, min_ampl=0.011)

    def unsharp(key):
        return (image(key) * 2 - blur(key, 1.5)).cast("uchar")

    def hue_saturation():
        return ((image("rgb").sRGB2HSV() * [1, 1.2, 1]) + [21, 0, 0]).cast("uchar").copy(interpretation="hsv").HSV2sRGB()

    def square(radius):
        return pyvips.Image.new_from_array(np.full((2 * radius + 1, 2 * radius + 1), 255).tolist())

    def kernel(weights, scale):
        return pyvips.Image.new_from_array(weights.tolist(), scale=scale)

    def resize(key, scale, kernel, **how):
        return image(key).resize(scale, kernel=kernel, **how)

    viridis = None

    def color_map():
        nonlocal viridis
        if viridis is None:
            import cv2

            levels = np.arange(256, dtype=np.uint8)[None]
            viridis = lookup(np.ascontiguousarray(cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS)[0, :, ::-1]))
        return image("gray").maplut(viridis)

    cases = {
        "grayscale": lambda: image("rgb").recomb([[0.299, 0.587, 0.114]]).rint().cast("uchar"),
        "invert": lambda: image("rgb").invert(),
        "brightnessContrast": lambda: image("rgb").linear(1.2, 127.5 - 1.2 * 127.5 + 25.5 + 0.5, uchar=True),
        "gamma": lambda: image("rgb").maplut(lookup(GAMMA)),
        "levels": lambda: image("rgb").maplut(lookup(LEVELS)),
        "hueSaturation": hue_saturation,
        "threshold": lambda: image("rgb") > 128,
        "posterize": lambda: image("rgb").maplut(lookup(POSTERIZE)),
        "sepia": lambda: image("rgb").recomb(SEPIA.tolist()).rint().cast("uchar"),
        "colorMap": color_map,
        "channel": lambda: image("rgb").extract_band(1),
        "depth 8 to 16": lambda: image("rgb").cast("ushort", shift=True),
        "depth 16 to 8": lambda: image("rgb16").cast("uchar", shift=True),
        "flatten": lambda: image("rgba").flatten(background=[255, 255, 255]),
        "gaussianBlur 1.5 gray": lambda: blur("gray", 1.5),
        "gaussianBlur 1.5": lambda: blur("rgb", 1.5),
        "gaussianBlur 5": lambda: blur("rgb", 5),
        "gaussianBlur 1.5 alpha": lambda: image("rgba")
        .premultiply()
        .gaussblur(1.5, min_ampl=0.011)
        .unpremultiply()
        .rint()
        .cast("uchar"),
        "gaussianBlur 1.5 16-bit": lambda: blur("rgb16", 1.5),
        "medianBlur 1": lambda: image("rgb").median(3),
        "unsharpMask 1.5": lambda: unsharp("rgb"),
        "unsharpMask 1.5 gray": lambda: unsharp("gray"),
        "convolve 3x3": lambda: image("rgb").conv(kernel(np.outer([1, 2, 1], [1, 2, 1]), 16), precision="integer"),
        "convolve 5x5": lambda: image("rgb").conv(
            kernel(np.outer([1, 2, 3, 2, 1], [1, 2, 3, 2, 1]), 81), precision="integer"
        ),
        "sobel": lambda: image("gray").sobel(),
        "sobel RGB": lambda: image("rgb").sobel(),
        "scharr": lambda: image("gray").scharr(),
        "prewitt": lambda: image("gray").prewitt(),
        "differenceOfGaussians": lambda: (blur("gray", 1) - blur("gray", 2)).abs().cast("uchar"),
        "erode 2 gray": lambda: image("gray").rank(5, 5, 0),
        "erode 2": lambda: image("rgb").rank(5, 5, 0),
        "crop": lambda: image("rgb").crop(10, 10, width - 20, height - 20),
        "flip horizontal": lambda: image("rgb").fliphor(),
        "flip vertical": lambda: image("rgb").flipver(),
        "rotate 90 gray": lambda: image("gray").rot90(),
        "rotate 90": lambda: image("rgb").rot90(),
        "rotate 180": lambda: image("rgb").rot180(),
        "resize 1/2 lanczos3": lambda: resize("rgb", 0.5, "lanczos3"),
        "resize 1/2 lanczos3 alpha": lambda: image("rgba")
        .premultiply()
        .resize(0.5, kernel="lanczos3")
        .unpremultiply()
        .rint()
        .cast("uchar"),
        "resize 1/2 area": lambda: image("rgb").shrink(2, 2),
        "resize 1/2 bilinear": lambda: resize("rgb", 0.5, "linear"),
        "resize 1/8 lanczos3": lambda: resize("rgb", 0.125, "lanczos3", gap=0),
        "resize 2x bicubic": lambda: resize("rgb", 2, "cubic"),
        "resize 2x nearest": lambda: resize("rgb", 2, "nearest"),
        "chain": lambda: image("rgb").recomb([[0.299, 0.587, 0.114]]).cast("uchar").gaussblur(1.5, min_ampl=0.011).sobel(),
    }
    # vips computes when its result is asked for.
    return {name: (lambda call=call: np.frombuffer(call().write_to_memory(), np.uint8)) for name, call in cases.items()}


# On one thread the processor's time, so that other work on the machine does not count.
clock = time.process_time if threads == 1 else time.perf_counter
checking = False
cases = {"opencv": opencv, "vips": vips}[engine]()
print("ready", flush=True)
for line in sys.stdin:
    name, _, path = line.rstrip("\n").partition("\t")
    if name not in cases:
        print("-", flush=True)
        continue
    checking = bool(path)
    start = clock()
    result = cases[name]()
    seconds = clock() - start
    if path:
        np.ascontiguousarray(result).tofile(path)
    print(seconds, flush=True)
