"""What each operation should give. A check takes a source of random numbers and a picture, and gives the operations, what is
expected in all channels (unrounded where there is a bound), the bound, and for some how much an error counts, by pixel.
None: the picture is not of a kind that the operation takes.
"""
import cv2
import numpy as np
from scipy import ndimage

from references import (
    Premultiplied, beside_alpha, encoded, gaussian_weights, half_even, in_light, light, resized, scaled_root, separable,
    split, top,
)

CHECKS = []

# What lies between a value and its rounding, and a little for f32.
ROUNDED = 0.51


def check(name):
    """Lists a check by the name of its operation, and what it is held against."""
    def listed(function):
        CHECKS.append((name, function))
        return function

    return listed


def levels_of(values, image):
    return np.clip(np.rint(values), 0, top(image))


def planes(image, function):
    """An OpenCV function on one channel after the other."""
    return np.stack([function(np.ascontiguousarray(image[..., c])) for c in range(image.shape[2])], -1)


# Colour and tone


@check("grayscale bt601 = cv2 RGB2GRAY")
def _(_random, image):
    gray = lambda colours: cv2.cvtColor(np.ascontiguousarray(colours), cv2.COLOR_RGB2GRAY) if colours.shape[2] == 3 else colours
    return [{"grayscale": {}}], beside_alpha(image, gray), 0


@check("grayscale bt709")
def _(_random, image):
    weigh = lambda colours: colours @ [0.2126, 0.7152, 0.0722] if colours.shape[2] == 3 else colours
    return [{"grayscale": {"standard": "bt709"}}], beside_alpha(image, weigh), ROUNDED


@check("invert")
def _(_random, image):
    return [{"invert": {}}], beside_alpha(image, lambda colours: top(image) - colours), 0


@check("brightnessContrast")
def _(random, image):
    brightness, contrast, half = random.number(-1, 1), random.number(0, 4), top(image) / 2
    change = lambda v: np.clip((v - half) * contrast + half + brightness * top(image), 0, top(image))
    return [{"brightnessContrast": {"brightness": brightness, "contrast": contrast}}], beside_alpha(image, change), ROUNDED


@check("gamma")
def _(random, image):
    gamma = random.number(0.1, 10)
    curve = lambda v: top(image) * (v / top(image)) ** (1 / gamma)
    return [{"gamma": {"gamma": gamma}}], beside_alpha(image, curve), ROUNDED


@check("levels")
def _(random, image):
    black, white, gamma = random.number(0, 1), random.number(0, 1), random.number(0.1, 10)

    def curve(colours):
        value = colours / top(image)
        if white <= black:
            return np.where(value > black, top(image), 0)
        return top(image) * np.clip((value - black) / (white - black), 0, 1) ** (1 / gamma)

    parameters = {"black": black, "white": white, "gamma": gamma}
    return [{"levels": parameters}], beside_alpha(image, curve), ROUNDED


@check("hueSaturation")
def _(random, image):
    hue, saturation, value = random.number(-180, 180), random.number(0, 4), random.number(0, 4)

    def turn(colours):
        v = colours / top(image)
        largest = v.max(-1)
        if colours.shape[2] == 1:
            return np.clip(v * value, 0, 1) * top(image)
        chroma = largest - v.min(-1)
        safe = np.where(chroma > 0, chroma, 1)
        r, g, b = np.moveaxis(v, -1, 0)
        sector = np.where(largest == r, (g - b) / safe % 6, np.where(largest == g, (b - r) / safe + 2, (r - g) / safe + 4))
        sector = (sector + hue / 60) % 6
        s = np.clip(np.where(largest > 0, chroma / np.where(largest > 0, largest, 1), 0) * saturation, 0, 1)
        bright = np.clip(largest * value, 0, 1)
        channel = lambda n: bright * (1 - s * np.clip(np.minimum((n + sector) % 6, 4 - (n + sector) % 6), 0, 1))
        return np.stack([channel(5), channel(3), channel(1)], -1) * top(image)

    parameters = {"hue": hue, "saturation": saturation, "value": value}
    return [{"hueSaturation": parameters}], beside_alpha(image, turn), 0.6


@check("threshold = cv2.threshold")
def _(random, image):
    value, invert = random.number(0, top(image), 2), random.choice([False, True])
    kind = cv2.THRESH_BINARY_INV if invert else cv2.THRESH_BINARY
    cut = lambda colours: planes(colours, lambda plane: cv2.threshold(plane, value, top(image), kind)[1])
    return [{"threshold": {"value": value, "invert": invert}}], beside_alpha(image, cut), 0


@check("posterize")
def _(random, image):
    steps = random.whole(2, 256) - 1
    return [{"posterize": {"levels": steps + 1}}], beside_alpha(image, lambda v: np.rint(v / top(image) * steps) / steps * top(image)), 0.5


@check("sepia")
def _(random, image):
    amount = random.number(0, 1)
    matrix = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
    mixed = amount * matrix + (1 - amount) * np.eye(3)

    def tone(colours):
        colours = np.repeat(colours, 3, 2) if colours.shape[2] == 1 else colours
        return np.clip(colours @ mixed.T, 0, top(image))

    most = 0.53 if image.dtype == np.uint8 else ROUNDED
    return [{"sepia": {"amount": amount}}], beside_alpha(image, tone), most


@check("colorMap = cv2.applyColorMap")
def _(random, image):
    name = random.choice(["viridis", "magma", "inferno", "turbo", "gray"])
    if image.shape[2] > 2:
        return None
    gray = np.arange(256, dtype=np.uint8)
    table = np.repeat(gray[:, None], 3, 1)
    if name != "gray":
        table = cv2.applyColorMap(gray, getattr(cv2, f"COLORMAP_{name.upper()}")).reshape(256, 3)[:, ::-1]

    def paint(colours):
        if image.itemsize == 1:
            return table[colours[..., 0]]
        return np.stack([np.interp(colours[..., 0] / 257, gray, table[:, c]) * 257 for c in range(3)], -1)

    return [{"colorMap": {"name": name}}], beside_alpha(image, paint), 0 if image.itemsize == 1 else ROUNDED


@check("channel")
def _(random, image):
    names = {1: ["red", "green", "blue"], 2: ["red", "green", "blue", "alpha"]}[2 - image.shape[2] % 2]
    name = random.choice(names if image.shape[2] > 2 else names[3:] or ["alpha"])
    if image.shape[2] == 1:
        return None
    place = {"red": 0, "green": 1, "blue": 2, "alpha": image.shape[2] - 1}[name]
    return [{"channel": {"name": name}}], image[..., place:place + 1], 0


@check("depth")
def _(random, image):
    bits = random.choice([8, 16])
    same = bits == 8 * image.itemsize
    expected = image if same else image.astype(int) * 257 if bits == 16 else np.rint(image / 257)
    return [{"depth": {"bits": bits}}], expected, 0


@check("flatten")
def _(random, image):
    colours, alpha = split(image)
    background = [random.number(0, 1) for _ in range(random.choice([1, colours.shape[2]]))]
    if alpha is None:
        return [{"flatten": {"background": background}}], image, 0
    share = alpha / top(image)
    return [{"flatten": {"background": background}}], colours * share + np.array(background) * top(image) * (1 - share), ROUNDED


# Filters


def blur(image, linear, weights):
    return in_light(image, lambda v: separable(v, weights)) if linear else Premultiplied(image, lambda v: separable(v, weights)).result(image)


@check("gaussianBlur")
def _(random, image):
    sigma, linear = random.number(0.1, 100), random.choice([False, True])
    expected, weight = blur(image, linear, gaussian_weights(sigma))
    # Opaque pixels of 8 bits are blurred in 16-bit integers up to a radius of 24.
    fixed = top(image) == 255 and image.shape[2] in (1, 3) and not linear and sigma <= 8
    return [{"gaussianBlur": {"sigma": sigma, "linear": linear}}], expected, 0.9 if fixed else 0.6, weight


@check("boxBlur")
def _(random, image):
    radius, linear = random.whole(1, 100), random.choice([False, True])
    side = 2 * radius + 1
    expected, weight = blur(image, linear, np.full(side, 1 / side))
    return [{"boxBlur": {"radius": radius, "linear": linear}}], expected, 0.6, weight


@check("medianBlur = cv2.medianBlur, scipy")
def _(random, image):
    radius = random.whole(1, 7)
    side = 2 * radius + 1

    def median(colours):
        if image.itemsize == 1:
            return planes(colours, lambda plane: cv2.medianBlur(plane, side))
        return planes(colours, lambda plane: ndimage.median_filter(plane, (side, side), mode="nearest"))

    return [{"medianBlur": {"radius": radius}}], beside_alpha(image, median), 0


@check("bilateralFilter")
def _(random, image):
    radius, color, space = random.whole(1, 15), random.number(0, 1), random.number(0.1, 50)
    colours, alpha = split(image)
    height, width = image.shape[:2]
    pad = lambda values: np.pad(values.astype(float), ((radius, radius), (radius, radius), (0, 0)), mode="edge")
    padded, shares = pad(colours), pad(np.ones((height, width, 1)) if alpha is None else alpha / top(image))
    total, weights = np.zeros(colours.shape), np.zeros((height, width, 1))
    for y in range(-radius, radius + 1):
        for x in range(-radius, radius + 1):
            if x * x + y * y > radius * radius:
                continue
            part = np.s_[radius + y:radius + y + height, radius + x:radius + x + width]
            difference = abs(padded[part] - colours).sum(-1, keepdims=True) / top(image)
            alike = np.exp(-((difference / color) ** 2) / 2) if color else (difference == 0).astype(float)
            weight = np.exp(-(x * x + y * y) / (2 * space * space)) * alike * shares[part]
            total, weights = total + weight * padded[part], weights + weight
    visible = np.ones((height, width, 1), bool) if alpha is None else alpha > 0
    mean = np.where(visible, total / np.where(visible, weights, 1), 0)
    expected = mean if alpha is None else np.concatenate([mean, alpha], 2)
    return [{"bilateralFilter": {"radius": radius, "sigmaColor": color, "sigmaSpace": space}}], expected, 2


@check("unsharpMask")
def _(random, image):
    sigma, amount, threshold = random.number(0.1, 100), random.number(0, 10), random.number(0, 1)
    colours, alpha = split(image)
    blurred = Premultiplied(image, lambda v: separable(v, gaussian_weights(sigma))).colours
    difference = colours - blurred
    sharpened = np.clip(np.where(abs(difference) > threshold * top(image), colours + amount * difference, colours), 0, top(image))
    if alpha is not None:
        sharpened = np.concatenate([np.where(alpha > 0, sharpened, 0), alpha], 2)
    # So near to the threshold either result will do.
    near = abs(abs(difference) - threshold * top(image)) < 2**-8
    weight = np.where(near, 0.0, 1.0)
    weight = weight if alpha is None else np.concatenate([weight, np.ones_like(alpha, float)], 2)
    parameters = {"sigma": sigma, "amount": amount, "threshold": threshold}
    return [{"unsharpMask": parameters}], sharpened, 0.5 + amount * 2**-9 + 2**-8, weight


@check("convolve")
def _(random, image):
    rows, columns = (random.choice([1, 3, 5, 7, 31]) for _ in range(2))
    whole, large = random.choice([True, False]), random.choice([1, 9, 1000])
    entry = (lambda: random.whole(-large, large)) if whole else (lambda: random.number(-large, large))
    weights = np.array([[entry() for _ in range(columns)] for _ in range(rows)], float)
    divisor = random.choice([1, 0.001, 1e6, max(abs(weights).sum().round(6), 0.001), max(abs(weights.sum()).round(6), 0.001)])
    offset = random.number(-1, 1)
    correlate = lambda v: ndimage.correlate(v, weights[..., None] / divisor, mode="nearest")
    sums = Premultiplied(image, correlate)
    expected, weight = sums.result(image, sums.colours + offset * top(image))
    strength = abs(weights).sum() / divisor * top(image)
    # Where the weights cancel out, what is left has an error of their sizes.
    bound = 0.51 + strength * (2**-21 if image.itemsize == 1 and strength < 64 * 255 else 2**-45)
    parameters = {"kernel": weights.tolist(), "divisor": divisor, "offset": offset}
    return [{"convolve": parameters}], expected, bound if split(image)[1] is None else bound + 0.5, weight


# Edges

GRADIENTS = {"sobel": [1, 2, 1], "scharr": [3, 10, 3], "prewitt": [1, 1, 1]}


def gradient(name):
    @check(f"{name} exactly")
    def _(random, image):
        scale, norm = random.number(0.001, 100), random.choice(["l1", "l2"])
        millionths = round(scale * 1_000_000)

        def magnitude(colours):
            values = colours.astype(np.int64)
            x, y = (
                ndimage.correlate1d(
                    ndimage.correlate1d(values, [-1, 0, 1], axis=along, mode="nearest"), GRADIENTS[name], axis=across, mode="nearest"
                )
                for along, across in ((1, 0), (0, 1))
            )
            if norm == "l1":
                return np.minimum(half_even((abs(x) + abs(y)) * millionths, 1_000_000), top(image))
            return np.minimum(scaled_root(x * x + y * y, millionths), top(image))

        return [{name: {"norm": norm, "scale": scale}}], beside_alpha(image, magnitude), 0


for operator in GRADIENTS:
    gradient(operator)


def opencv_gradient(name, function):
    @check(f"{name} = cv2, l2")
    def _(_random, image):
        def magnitude(colours):
            x, y = (planes(colours, lambda plane: function(plane, cv2.CV_64F, *d, borderType=cv2.BORDER_REPLICATE)) for d in ((1, 0), (0, 1)))
            return levels_of(np.sqrt(x * x + y * y), image)

        return [{name: {}}], beside_alpha(image, magnitude), 0


opencv_gradient("sobel", lambda *arguments, **more: cv2.Sobel(*arguments, ksize=3, **more))
opencv_gradient("scharr", cv2.Scharr)


@check("laplacian exactly")
def _(random, image):
    connectivity, scale = random.choice([4, 8]), random.number(0.001, 100)
    kernel = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]] if connectivity == 4 else [[1, 1, 1], [1, -8, 1], [1, 1, 1]])

    def response(colours):
        response = ndimage.correlate(colours.astype(np.int64), kernel[..., None], mode="nearest")
        return np.minimum(half_even(abs(response) * round(scale * 1_000_000), 1_000_000), top(image))

    return [{"laplacian": {"connectivity": connectivity, "scale": scale}}], beside_alpha(image, response), 0


@check("differenceOfGaussians")
def _(random, image):
    one, two, scale = random.number(0.1, 100), random.number(0.1, 100), random.number(0.001, 100)
    blurred = lambda colours, sigma: separable(colours.astype(float), gaussian_weights(sigma))
    edges = lambda colours: np.clip(scale * abs(blurred(colours, one) - blurred(colours, two)), 0, top(image))
    parameters = {"sigma1": one, "sigma2": two, "scale": scale}
    # Of blurs in 16-bit integers, as above, where the scale leaves it exact enough.
    radii = [int(np.ceil(3 * sigma)) for sigma in (one, two)]
    fixed = top(image) == 255 and max(radii) <= 24 and scale * (sum(radii) + 2) <= 25
    return [{"differenceOfGaussians": parameters}], beside_alpha(image, edges), 0.9 if fixed else ROUNDED + scale * 2**-9


# Morphology

KINDS = {
    "erode": cv2.MORPH_ERODE, "dilate": cv2.MORPH_DILATE, "open": cv2.MORPH_OPEN, "close": cv2.MORPH_CLOSE,
    "morphGradient": cv2.MORPH_GRADIENT, "topHat": cv2.MORPH_TOPHAT, "blackHat": cv2.MORPH_BLACKHAT,
}


def morphology(name, kind):
    @check(f"{name} = cv2.morphologyEx")
    def _(random, image):
        radius, shape = random.whole(1, 50), random.choice(["rect", "ellipse", "cross"])
        element = cv2.getStructuringElement(getattr(cv2, f"MORPH_{shape.upper()}"), (2 * radius + 1,) * 2)
        change = lambda colours: planes(colours, lambda plane: cv2.morphologyEx(plane, kind, element))
        return [{name: {"radius": radius, "shape": shape}}], beside_alpha(image, change), 0


for operation, number in KINDS.items():
    morphology(operation, number)


# Geometry


@check("crop")
def _(random, image):
    height, width = image.shape[:2]
    x, y = random.whole(0, width - 1), random.whole(0, height - 1)
    w, h = random.whole(1, width - x), random.whole(1, height - y)
    return [{"crop": {"x": x, "y": y, "width": w, "height": h}}], image[y:y + h, x:x + w], 0


@check("rotate = cv2.rotate")
def _(random, image):
    codes = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
    degrees = random.choice(list(codes))
    return [{"rotate": {"degrees": degrees}}], planes(image, lambda plane: cv2.rotate(plane, codes[degrees])), 0


@check("flip = cv2.flip")
def _(random, image):
    axis = random.choice(["horizontal", "vertical"])
    return [{"flip": {"axis": axis}}], planes(image, lambda plane: cv2.flip(plane, 1 if axis == "horizontal" else 0)), 0


def side(random, size):
    return random.choice([1, size, random.whole(1, 2 * size + 8), random.whole(1, max(size // 2, 1))])


def resize(name):
    @check(f"resize {name}")
    def _(random, image):
        height, width = image.shape[:2]
        kind, linear = random.whole(0, 3), random.choice([False, True])
        if kind == 0:
            scale = min(random.number(0.0001, 100), 2.5)
            # Rounded half to even, as Python does, of exact fractions.
            to = [max(int(half_even(s * round(scale * 1_000_000), 1_000_000)), 1) for s in (width, height)]
            parameters = {"scale": scale}
        else:
            to = [side(random, width), side(random, height)]
            if kind == 1:
                to[1] = max(int(half_even(height * to[0], width)), 1)
            if kind == 2:
                to[0] = max(int(half_even(width * to[1], height)), 1)
            parameters = {"width": to[0], "height": to[1]}
            if kind < 3:
                del parameters["height" if kind == 1 else "width"]
        if to[0] * to[1] > 100_000:
            return None
        operation = {"resize": {**parameters, "filter": name, "linear": linear}}
        change = lambda values: resized(values, name, *to)
        if name == "nearest":
            return [operation], change(image), 0
        if linear:
            expected, weight = in_light(image, change)
            return [operation], expected, 1.0 if split(image)[1] is None else 1.3, weight
        expected, weight = Premultiplied(image, change).result(image)
        # Opaque pixels of 8 bits are resampled in 16-bit integers, if they do not become too small.
        opaque = split(image)[1] is None
        fixed = opaque and top(image) == 255 and name in ("bicubic", "lanczos3") and width <= 8 * to[0] and height <= 8 * to[1]
        return [operation], expected, 0.9 if fixed else 0.6 if opaque else 1.0, weight


for filter_name in ("nearest", "bilinear", "bicubic", "lanczos3", "area"):
    resize(filter_name)


@check("resize to half, area, = cv2.resize float")
def _(_random, image):
    image = split(image)[0]
    if image.shape[0] % 2 or image.shape[1] % 2:
        return None
    half = lambda plane: cv2.resize(plane.astype(float), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return [{"resize": {"scale": 0.5, "filter": "area"}}], planes(image, half), 0.5 + 1e-9, 1.0, image
