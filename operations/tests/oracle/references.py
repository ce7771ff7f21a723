"""What several operations are made of, in float64: borders, blurs, resampling, light, and what becomes of alpha."""
import numpy as np
from scipy import ndimage


def top(image):
    return int(np.iinfo(image.dtype).max)


def split(image):
    """The colours, and alpha or None."""
    return (image[..., :-1], image[..., -1:]) if image.shape[2] in (2, 4) else (image, None)


def beside_alpha(image, compute):
    """`compute` on the colours; alpha stays."""
    colours, alpha = split(image)
    result = np.asarray(compute(colours))
    result = result.reshape(*image.shape[:2], -1)
    return result if alpha is None else np.concatenate([result, alpha], 2)


class Premultiplied:
    """A linear operation on premultiplied colour: the colours of the result, and how much an error in them counts."""

    def __init__(self, image, linear):
        colours, alpha = split(image)
        self.alpha = self.weight = None
        if alpha is None:
            self.colours = linear(colours.astype(float))
            return
        share = alpha / top(image)
        self.alpha = linear(share)
        # Where the result is transparent its colour is 0.
        visible = np.rint(np.clip(self.alpha, 0, 1) * top(image)) > 0
        mixed = linear(colours * share)
        self.colours = np.where(visible, mixed / np.where(visible, self.alpha, 1), 0)
        self.weight = np.clip(self.alpha, 0, 1)

    def result(self, image, colours=None):
        """All channels, saturated, in levels; and the weights of their errors."""
        largest = top(image)
        colours = np.clip(self.colours if colours is None else colours, 0, largest)
        if self.alpha is None:
            return colours, 1.0
        visible = np.rint(np.clip(self.alpha, 0, 1) * largest) > 0
        colours = np.where(visible, colours, 0)
        values = np.concatenate([colours, np.clip(self.alpha, 0, 1) * largest], 2)
        return values, np.concatenate([np.broadcast_to(self.weight, colours.shape), np.ones_like(self.weight)], 2)


def separable(values, weights):
    """Correlation with the same weights down and across; the border is replicated."""
    for axis in (0, 1):
        values = ndimage.correlate1d(values, weights, axis=axis, mode="nearest")
    return values


def gaussian_weights(sigma):
    radius = int(np.ceil(3 * sigma))
    weights = np.exp(-np.arange(-radius, radius + 1) ** 2 / (2 * sigma * sigma))
    return weights / weights.sum()


def light(image):
    """0 to 1, by sRGB's curve; in a picture's place."""
    value = image / np.iinfo(image.dtype).max
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def encoded(value):
    value = np.clip(value, 0, 1)
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)


def in_light(image, linear):
    """As `Premultiplied`, of the light that the colours stand for."""
    colours, alpha = split(image)
    if alpha is None:
        return encoded(linear(light(colours))) * top(image), 1.0
    share = alpha / top(image)
    mixed = linear(share)
    visible = np.rint(np.clip(mixed, 0, 1) * top(image)) > 0
    straight = np.where(visible, linear(light(colours) * share) / np.where(visible, mixed, 1), 0)
    mixed = np.clip(mixed, 0, 1)
    values = np.concatenate([encoded(straight), mixed], 2) * top(image)
    return values, np.concatenate([np.broadcast_to(mixed, straight.shape), np.ones_like(mixed)], 2)


SUPPORT = {"bilinear": 1, "bicubic": 2, "lanczos3": 3}


def kernel(name, x):
    x = abs(x)
    if name == "bilinear":
        return np.maximum(1 - x, 0)
    if name == "bicubic":
        near, far = (1.5 * x - 2.5) * x * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
        return np.where(x < 1, near, np.where(x < 2, far, 0))
    return np.where(x < 3, np.sinc(x) * np.sinc(x / 3), 0)


def resampling(name, source, target):
    """The matrix that makes `target` samples of `source`."""
    scale = source / target
    output, taps = np.arange(target)[:, None], np.arange(source)[None]
    if name == "nearest":
        return (taps == (2 * output + 1) * source // (2 * target)).astype(float)
    if name == "area":
        overlap = np.minimum((output + 1) * scale, taps + 1) - np.maximum(output * scale, taps)
        weights = np.maximum(overlap, 0)
    else:
        weights = kernel(name, (taps + 0.5 - (output + 0.5) * scale) / max(scale, 1))
    return weights / weights.sum(1, keepdims=True)


def resized(values, name, width, height):
    rows, columns = resampling(name, values.shape[0], height), resampling(name, values.shape[1], width)
    return np.einsum("yi,ijc,xj->yxc", rows, values, columns, optimize=True)


def half_even(numerator, denominator):
    """A quotient of whole numbers, rounded half to even."""
    whole, rest = np.divmod(numerator, denominator)
    return whole + ((2 * rest > denominator) | ((2 * rest == denominator) & (whole % 2 == 1)))


def scaled_root(square, millionths):
    """scale * sqrt(square), rounded half to even: by whole numbers where float64 is too near to a half."""
    value = np.sqrt(square.astype(np.longdouble)) * millionths / 1_000_000
    result = np.rint(value)
    for place in zip(*np.nonzero(abs(abs(value - np.floor(value)) - 0.5) < 1e-6)):
        # 2 * value, in millionths, against an odd number of halves.
        below = int(np.floor(value[place]))
        exact, half = 4 * int(square[place]) * millionths**2, ((2 * below + 1) * 1_000_000) ** 2
        result[place] = below + (exact > half or (exact == half and below % 2 == 1))
    return result
