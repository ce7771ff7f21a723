"""Compares the operations with OpenCV, SciPy and float64 formulas on random pictures. Run by hand, from the checkout:

    cargo build --release -p tessera-operations --example apply
    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install opencv-python-headless numpy scipy
    /tmp/oracle/bin/python operations/tests/oracle/compare.py target/release/examples/apply

It prints one line for each comparison and fails at the first difference beyond its tolerance.
"""
import json
import subprocess
import sys

import cv2
import numpy as np
from scipy import ndimage

RANDOM = np.random.default_rng(1)
SIZES = [(1, 1), (1, 9), (9, 1), (2, 3), (17, 5), (64, 64), (101, 77), (300, 211)]


def picture(height, width, channels, dtype):
    """Noise, coarse structure and saturated parts."""
    top = np.iinfo(dtype).max
    noise = RANDOM.integers(0, top + 1, (height, width, channels))
    coarse = np.kron(RANDOM.integers(0, 2, (height // 8 + 1, width // 8 + 1, channels)), np.ones((8, 8, 1), int))
    return np.where(RANDOM.random((height, width, 1)) < 0.5, noise, coarse[:height, :width] * top).astype(dtype)


def apply(operations, image, channels=None):
    height, width, count = image.shape
    arguments = [sys.argv[1], json.dumps(operations), str(width), str(height), str(count), str(image.itemsize * 8)]
    raw = subprocess.run(arguments, input=image.tobytes(), stdout=subprocess.PIPE, check=True).stdout
    return np.frombuffer(raw, image.dtype).reshape(height, width, channels or count)


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


def sobel(norm, scale):
    def run(image):
        x = ndimage.correlate1d(image.astype(float), [-1, 0, 1], axis=1, mode="nearest")
        x = ndimage.correlate1d(x, [1, 2, 1], axis=0, mode="nearest")
        y = ndimage.correlate1d(image.astype(float), [-1, 0, 1], axis=0, mode="nearest")
        y = ndimage.correlate1d(y, [1, 2, 1], axis=1, mode="nearest")
        magnitude = np.sqrt(x * x + y * y) if norm == "l2" else abs(x) + abs(y)
        return apply([{"sobel": {"norm": norm, "scale": scale}}], image), rounded(scale * magnitude, image.dtype), 0

    return run


def opencv_sobel(image):
    x, y = (cv2.Sobel(image, cv2.CV_64F, *d, ksize=3, borderType=cv2.BORDER_REPLICATE) for d in [(1, 0), (0, 1)])
    expected = rounded(np.sqrt(x * x + y * y), image.dtype).reshape(image.shape)
    return apply([{"sobel": {}}], image), expected, 0


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
    checks["sobel = cv2.Sobel, l2"] = opencv_sobel
    for norm in ("l1", "l2"):
        for scale in (1, 0.5, 0.37):
            checks[f"sobel {norm} x {scale}"] = sobel(norm, scale)
    for sigma in (0.1, 0.8, 1.5, 5, 33.3):
        checks[f"gaussianBlur {sigma} against float64"] = gaussian(sigma)
    print("OpenCV", cv2.__version__, "NumPy", np.__version__)
    for name, check in checks.items():
        for dtype in (np.uint8, np.uint16):
            worst, bias, tolerance = 0.0, 0.0, 0.0
            for height, width in SIZES:
                result, expected, tolerance = check(picture(height, width, 3, dtype))
                error = result.astype(float) - expected
                worst, bias = max(worst, abs(error).max()), error.mean()
            print(f"{name:36} {np.dtype(dtype).name:7} largest error {worst:.4f}, mean {bias:+.4f} (largest picture)")
            assert worst <= tolerance, name


main()
