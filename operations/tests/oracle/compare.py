"""Compares the operations with OpenCV, SciPy and float64 formulas on random pictures. Run by hand, from the checkout:

    cargo build --release -p tessera-operations --example apply
    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install opencv-python-headless numpy scipy
    /tmp/oracle/bin/python operations/tests/oracle/compare.py target/release/examples/apply [REPEATS]

It prints one line for each comparison and fails at the first difference beyond its tolerance.
"""
import json
import subprocess
import sys

import cv2
import numpy as np
from scipy import ndimage

RANDOM = np.random.default_rng(1)
REPEATS = int(sys.argv[2]) if len(sys.argv) > 2 else 1
SIZES = [(1, 1), (1, 9), (9, 1), (2, 3), (17, 5), (64, 64), (101, 77), (300, 211)]


def picture(height, width, channels, dtype):
    """Noise, coarse structure and saturated parts."""
    top = np.iinfo(dtype).max
    noise = RANDOM.integers(0, top + 1, (height, width, channels))
    coarse = np.kron(RANDOM.integers(0, 2, (height // 8 + 1, width // 8 + 1, channels)), np.ones((8, 8, 1), int))
    return np.where(RANDOM.random((height, width, 1)) < 0.5, noise, coarse[:height, :width] * top).astype(dtype)


def apply(operations, image, channels=None, dtype=None, size=None):
    height, width, count = image.shape
    arguments = [sys.argv[1], json.dumps(operations), str(width), str(height), str(count), str(image.itemsize * 8)]
    raw = subprocess.run(arguments, input=image.tobytes(), stdout=subprocess.PIPE, check=True).stdout
    return np.frombuffer(raw, dtype or image.dtype).reshape(*(size or (height, width)), channels or count)


def rounded(values, dtype):
    return np.clip(np.rint(values), 0, np.iinfo(dtype).max)


def grayscale(image):
    return apply([{"grayscale": {}}], image, 1)[..., 0], cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), 0


def bt709(image):
    r, g, b = (image[..., channel].astype(float) for channel in range(3))
    expected = rounded(np.round(0.2126 * r + 0.7152 * g + 0.0722 * b, 6), image.dtype)
    return apply([{"grayscale": {"standard": "bt709"}}], image, 1)[..., 0], expected, 0


def brightness_contrast(image):
    top = np.iinfo(image.dtype).max
    expected = rounded((image.astype(float) - top / 2) * 1.37 + top / 2 - 0.123457 * top, image.dtype)
    return apply([{"brightnessContrast": {"brightness": -0.123457, "contrast": 1.37}}], image), expected, 1


def curve(operations, formula):
    """A pointwise operation against a formula on fractions of the full range."""
    def run(image):
        top = np.iinfo(image.dtype).max
        return apply(operations, image), rounded(formula(image / top) * top, image.dtype), 1

    return run


def posterize(image):
    expected = np.rint(image / np.iinfo(image.dtype).max * 6) / 6 * np.iinfo(image.dtype).max
    return apply([{"posterize": {"levels": 7}}], image), expected, 0.5


def hue_saturation(image):
    top = np.iinfo(image.dtype).max
    h, s, v = cv2.split(cv2.cvtColor((image / top).astype(np.float32), cv2.COLOR_RGB2HSV_FULL))
    hsv = cv2.merge([(h + 77.5) % 360, np.minimum(s * 1.3, 1), np.minimum(v * 0.8, 1)]).astype(np.float32)
    expected = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB).reshape(image.shape) * top
    return apply([{"hueSaturation": {"hue": 77.5, "saturation": 1.3, "value": 0.8}}], image), expected, 0.6


def threshold(image):
    value, top = 100.7, int(np.iinfo(image.dtype).max)
    expected = cv2.threshold(image, value, top, cv2.THRESH_BINARY)[1].reshape(image.shape)
    return apply([{"threshold": {"value": value}}], image), expected, 0


def sepia(image):
    matrix = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
    expected = rounded((0.6 * matrix + 0.4 * np.eye(3)) @ image[..., None].astype(float), image.dtype)[..., 0]
    return apply([{"sepia": {"amount": 0.6}}], image), expected, 1


def color_map(name):
    def run(image):
        gray = np.ascontiguousarray(image[..., :1])
        if image.itemsize == 1:
            expected = cv2.applyColorMap(gray, getattr(cv2, f"COLORMAP_{name.upper()}"))[..., ::-1]
            return apply([{"colorMap": {"name": name}}], gray, 3), expected, 0
        table = cv2.applyColorMap(np.arange(256, dtype=np.uint8), getattr(cv2, f"COLORMAP_{name.upper()}"))
        table = table.reshape(256, 3)[:, ::-1]
        columns = [np.interp(gray[..., 0] / 257, np.arange(256), table[:, c]) * 257 for c in range(3)]
        return apply([{"colorMap": {"name": name}}], gray, 3), np.stack(columns, -1), 0.001

    return run


def depth(image):
    if image.itemsize == 1:
        return apply([{"depth": {"bits": 16}}], image, dtype=np.uint16), image.astype(int) * 257, 0
    return apply([{"depth": {"bits": 8}}], image, dtype=np.uint8), np.rint(image / 257), 0


def flatten(image):
    image = with_alpha(image)
    alpha = image[..., 3:] / np.iinfo(image.dtype).max
    background = np.array([0.2, 1, 0]) * np.iinfo(image.dtype).max
    expected = image[..., :3] * alpha + background * (1 - alpha)
    return apply([{"flatten": {"background": [0.2, 1, 0]}}], image, 3), expected, 0.51


def with_alpha(image):
    return np.concatenate([image, picture(*image.shape[:2], 1, image.dtype)], 2)


def morphology(name, kind):
    def run(image):
        radius, shape = RANDOM.integers(1, 12), RANDOM.choice(["rect", "ellipse", "cross"])
        element = cv2.getStructuringElement(getattr(cv2, f"MORPH_{shape.upper()}"), (2 * int(radius) + 1,) * 2)
        expected = cv2.morphologyEx(image, kind, element).reshape(image.shape)
        return apply([{name: {"radius": int(radius), "shape": str(shape)}}], image), expected, 0

    return run


def gradient(name, weights, norm, scale):
    def run(image):
        x = ndimage.correlate1d(image.astype(float), [-1, 0, 1], axis=1, mode="nearest")
        x = ndimage.correlate1d(x, weights, axis=0, mode="nearest")
        y = ndimage.correlate1d(image.astype(float), [-1, 0, 1], axis=0, mode="nearest")
        y = ndimage.correlate1d(y, weights, axis=1, mode="nearest")
        magnitude = np.sqrt(x * x + y * y) if norm == "l2" else abs(x) + abs(y)
        return apply([{name: {"norm": norm, "scale": scale}}], image), rounded(scale * magnitude, image.dtype), 0

    return run


def opencv_gradient(name, function, **arguments):
    def run(image):
        x, y = (function(image, cv2.CV_64F, *d, borderType=cv2.BORDER_REPLICATE, **arguments) for d in [(1, 0), (0, 1)])
        expected = rounded(np.sqrt(x * x + y * y), image.dtype).reshape(image.shape)
        return apply([{name: {}}], image), expected, 0

    return run


def laplacian(connectivity, scale):
    def run(image):
        kernel = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]] if connectivity == 4 else [[1, 1, 1], [1, -8, 1], [1, 1, 1]])
        response = cv2.filter2D(image.astype(float), -1, kernel.astype(float), borderType=cv2.BORDER_REPLICATE)
        expected = rounded(scale * abs(response).reshape(image.shape), image.dtype)
        return apply([{"laplacian": {"connectivity": connectivity, "scale": scale}}], image), expected, 0

    return run


def gaussian(sigma):
    def run(image):
        radius = int(np.ceil(3 * sigma))
        weights = np.exp(-np.arange(-radius, radius + 1) ** 2 / (2 * sigma * sigma))
        expected = image.astype(float)
        for axis in (0, 1):
            expected = ndimage.correlate1d(expected, weights / weights.sum(), axis=axis, mode="nearest")
        result = apply([{"gaussianBlur": {"sigma": sigma}}], image)
        return result, expected, 0.5 + (0.1 if image.itemsize == 2 else 0.001)

    return run


def main():
    checks = {"grayscale = cv2 RGB2GRAY": grayscale, "grayscale bt709": bt709, "brightnessContrast": brightness_contrast}
    checks["gamma"] = curve([{"gamma": {"gamma": 2.2}}], lambda v: v ** (1 / 2.2))
    levels = {"black": 0.2, "white": 0.7, "gamma": 0.6}
    checks["levels"] = curve([{"levels": levels}], lambda v: np.clip((v - 0.2) / 0.5, 0, 1) ** (1 / 0.6))
    checks.update({"posterize": posterize, "hueSaturation against cv2 float": hue_saturation, "sepia": sepia})
    checks.update({"threshold = cv2.threshold": threshold, "depth": depth, "flatten": flatten})
    for name in ("viridis", "magma", "inferno", "turbo"):
        checks[f"colorMap {name} = cv2"] = color_map(name)
    kinds = {"erode": cv2.MORPH_ERODE, "dilate": cv2.MORPH_DILATE, "open": cv2.MORPH_OPEN, "close": cv2.MORPH_CLOSE}
    kinds.update({"morphGradient": cv2.MORPH_GRADIENT, "topHat": cv2.MORPH_TOPHAT, "blackHat": cv2.MORPH_BLACKHAT})
    for name, kind in kinds.items():
        checks[f"{name} = cv2.morphologyEx"] = morphology(name, kind)
    checks["sobel = cv2.Sobel, l2"] = opencv_gradient("sobel", cv2.Sobel, ksize=3)
    checks["scharr = cv2.Scharr, l2"] = opencv_gradient("scharr", cv2.Scharr)
    for name, weights in {"sobel": [1, 2, 1], "scharr": [3, 10, 3], "prewitt": [1, 1, 1]}.items():
        for norm in ("l1", "l2"):
            for scale in (1, 0.5, 0.37):
                checks[f"{name} {norm} x {scale}"] = gradient(name, weights, norm, scale)
    for connectivity in (4, 8):
        checks[f"laplacian {connectivity}"] = laplacian(connectivity, 0.5)
    for sigma in (0.1, 0.8, 1.5, 5, 33.3):
        checks[f"gaussianBlur {sigma} against float64"] = gaussian(sigma)
    print("OpenCV", cv2.__version__, "NumPy", np.__version__)
    for name, check in checks.items():
        for dtype in (np.uint8, np.uint16):
            worst, bias, tolerance = 0.0, 0.0, 0.0
            for height, width in REPEATS * SIZES:
                result, expected, tolerance = check(picture(height, width, 3, dtype))
                error = result.astype(float) - expected
                worst, bias = max(worst, abs(error).max()), error.mean()
            print(f"{name:36} {np.dtype(dtype).name:7} largest error {worst:.4f}, mean {bias:+.4f} (largest picture)")
            assert worst <= tolerance, name


main()
