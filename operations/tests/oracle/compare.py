"""Compares the operations with OpenCV, SciPy, Pillow and float64 formulas on random pictures. Run by hand, from the checkout:

    cargo build --release -p tessera-operations --example apply
    python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install opencv-python-headless numpy scipy pillow
    /tmp/oracle/bin/python operations/tests/oracle/compare.py target/release/examples/apply [REPEATS]

It prints one line for each comparison and fails at the first difference beyond its tolerance.
"""
import json
import subprocess
import sys

import cv2
import numpy as np
from PIL import Image
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
        result = apply([{"gaussianBlur": {"sigma": sigma}}], image)
        return result, blurred(image, sigma), 0.5 + (0.1 if image.itemsize == 2 else 0.001)

    return run


def box_blur(radius):
    def run(image):
        side = (2 * radius + 1,) * 2
        expected = cv2.blur(image.astype(float), side, borderType=cv2.BORDER_REPLICATE).reshape(image.shape)
        return apply([{"boxBlur": {"radius": radius}}], image), expected, 0.501

    return run


def median_blur(radius):
    def run(image):
        side = 2 * radius + 1
        if image.itemsize == 1:
            expected = cv2.medianBlur(image, side).reshape(image.shape)
        else:
            expected = ndimage.median_filter(image, (side, side, 1), mode="nearest")
        return apply([{"medianBlur": {"radius": radius}}], image), expected, 0

    return run


def bilateral_filter(radius, color, space):
    def run(image):
        top = np.iinfo(image.dtype).max
        height, width = image.shape[:2]
        padded = np.pad(image.astype(float), ((radius, radius), (radius, radius), (0, 0)), mode="edge")
        total, weights = np.zeros(image.shape), np.zeros((height, width, 1))
        for y in range(-radius, radius + 1):
            for x in range(-radius, radius + 1):
                if x * x + y * y > radius * radius:
                    continue
                there = padded[radius + y:radius + y + height, radius + x:radius + x + width]
                difference = abs(there - image).sum(-1, keepdims=True) / (color * top)
                weight = np.exp(-(x * x + y * y) / (2 * space * space) - difference * difference / 2)
                total, weights = total + weight * there, weights + weight
        parameters = {"radius": radius, "sigmaColor": color, "sigmaSpace": space}
        return apply([{"bilateralFilter": parameters}], image), total / weights, 2

    return run


def blurred(image, sigma):
    radius = int(np.ceil(3 * sigma))
    weights = np.exp(-np.arange(-radius, radius + 1) ** 2 / (2 * sigma * sigma))
    result = image.astype(float)
    for axis in (0, 1):
        result = ndimage.correlate1d(result, weights / weights.sum(), axis=axis, mode="nearest")
    return result


def unsharp_mask(sigma, amount, threshold):
    def run(image):
        top = np.iinfo(image.dtype).max
        difference = image - blurred(image, sigma)
        expected = np.clip(image + np.where(abs(difference) > threshold * top, amount * difference, 0), 0, top)
        result = apply([{"unsharpMask": {"sigma": sigma, "amount": amount, "threshold": threshold}}], image)
        # So near to the threshold either result will do.
        return np.where(abs(abs(difference) - threshold * top) < 2**-8, expected, result), expected, 0.51

    return run


def difference_of_gaussians(sigma1, sigma2, scale):
    def run(image):
        expected = scale * abs(blurred(image, sigma1) - blurred(image, sigma2))
        parameters = {"sigma1": sigma1, "sigma2": sigma2, "scale": scale}
        return apply([{"differenceOfGaussians": parameters}], image), np.clip(expected, 0, np.iinfo(image.dtype).max), 0.51

    return run


def convolve(image):
    kernel = RANDOM.integers(-9, 10, RANDOM.choice([1, 3, 5, 31], 2))
    top, parameters = np.iinfo(image.dtype).max, {"kernel": kernel.tolist(), "divisor": 20.5, "offset": 0.1}
    expected = cv2.filter2D(image.astype(float), -1, kernel / 20.5, borderType=cv2.BORDER_REPLICATE).reshape(image.shape)
    return apply([{"convolve": parameters}], image), np.clip(expected + 0.1 * top, 0, top), 0.51


def srgb_light(image):
    value = image / np.iinfo(image.dtype).max
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def srgb_encoded(light, dtype):
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055) * np.iinfo(dtype).max


def linear_blur(name, parameters, weights):
    """A blur of light in place of encoded samples."""
    def run(image):
        light = srgb_light(image)
        for axis in (0, 1):
            light = ndimage.correlate1d(light, weights, axis=axis, mode="nearest")
        result = apply([{name: {**parameters, "linear": True}}], image)
        return result, srgb_encoded(light, image.dtype), 0.55

    return run


def geometry(operation, formula):
    """An operation that only moves pixels."""
    def run(image):
        expected = formula(image).reshape(*formula(image).shape[:2], image.shape[2])
        return apply([operation], image, size=expected.shape[:2]), expected, 0

    return run


def crop(image):
    height, width = image.shape[:2]
    x, y = RANDOM.integers(0, width), RANDOM.integers(0, height)
    w, h = RANDOM.integers(1, width - x + 1), RANDOM.integers(1, height - y + 1)
    parameters = {"x": int(x), "y": int(y), "width": int(w), "height": int(h)}
    return apply([{"crop": parameters}], image, size=(h, w)), image[y:y + h, x:x + w], 0


FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos3": Image.LANCZOS}


def resized(image, width, height, name):
    """In float: by Pillow, whose filters of 32-bit images are the same, or by OpenCV where it has the filter."""
    if name == "area":
        return by_area(by_area(image, height).swapaxes(0, 1), width).swapaxes(0, 1)
    if name == "nearest":
        rows, columns = [(2 * np.arange(to) + 1) * size // (2 * to) for to, size in ((height, image.shape[0]), (width, image.shape[1]))]
        return image[rows][:, columns]
    planes = [Image.fromarray(image[..., c].astype(np.float32)) for c in range(image.shape[2])]
    return np.stack([np.asarray(plane.resize((width, height), FILTERS[name]), dtype=float) for plane in planes], -1)


def by_area(image, count):
    """Means over parts of rows, by the integral in between."""
    whole = np.concatenate([np.zeros((1, *image.shape[1:])), np.cumsum(image.astype(float), 0)])
    places = np.arange(count + 1) * image.shape[0] / count
    below = np.minimum(places.astype(int), image.shape[0] - 1)
    integral = whole[below] + (places - below)[:, None, None] * image[below]
    return np.diff(integral, axis=0) * count / image.shape[0]


def resize(name, linear=False):
    def run(image):
        height, width = (int(RANDOM.integers(1, 2 * side + 8)) for side in image.shape[:2])
        operation = {"resize": {"width": width, "height": height, "filter": name, "linear": linear}}
        result = apply([operation], image, size=(height, width))
        if linear:
            return result, srgb_encoded(resized(srgb_light(image), width, height, name), image.dtype), 0.9
        expected = np.clip(resized(image, width, height, name), 0, np.iinfo(image.dtype).max)
        return result, expected, 0 if name == "nearest" else 0.502 if image.itemsize == 1 else 0.7

    return run


def half_area(image):
    image = np.tile(image, (2, 2, 1))
    height, width = (side // 2 for side in image.shape[:2])
    expected = cv2.resize(image.astype(float), (width, height), interpolation=cv2.INTER_AREA).reshape(height, width, -1)
    return apply([{"resize": {"scale": 0.5, "filter": "area"}}], image, size=(height, width)), expected, 0.5


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
    for radius in (1, 5, 40):
        checks[f"boxBlur {radius} against cv2.blur float"] = box_blur(radius)
    for radius in (1, 2, 3, 7):
        checks[f"medianBlur {radius} = cv2, SciPy"] = median_blur(radius)
    checks["bilateralFilter 3 against float64"] = bilateral_filter(3, 0.2, 2)
    checks["bilateralFilter 7 against float64"] = bilateral_filter(7, 0.05, 10)
    checks["unsharpMask 1.5"] = unsharp_mask(1.5, 1, 0)
    checks["unsharpMask 4, threshold"] = unsharp_mask(4, 2.5, 0.1)
    checks["differenceOfGaussians"] = difference_of_gaussians(1, 2.5, 3)
    checks["convolve against cv2.filter2D float"] = convolve
    deviations = np.exp(-np.arange(-6, 7) ** 2 / 8)
    checks["gaussianBlur 2 of light"] = linear_blur("gaussianBlur", {"sigma": 2}, deviations / deviations.sum())
    checks["boxBlur 4 of light"] = linear_blur("boxBlur", {"radius": 4}, np.ones(9) / 9)
    checks["crop"] = crop
    turns = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
    for degrees, code in turns.items():
        checks[f"rotate {degrees} = cv2.rotate"] = geometry({"rotate": {"degrees": degrees}}, lambda image, code=code: cv2.rotate(image, code))
    for axis, code in {"horizontal": 1, "vertical": 0}.items():
        checks[f"flip {axis} = cv2.flip"] = geometry({"flip": {"axis": axis}}, lambda image, code=code: cv2.flip(image, code))
    for name in ("nearest", "area", *FILTERS):
        checks[f"resize {name}"] = resize(name)
        if name != "nearest":
            checks[f"resize {name} of light"] = resize(name, linear=True)
    checks["resize to half, area, = cv2 float"] = half_area
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
