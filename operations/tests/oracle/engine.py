"""The operations as a process that stays, pictures to test them with, and random parameters."""
import json
import math
import subprocess

import numpy as np


class Engine:
    """Applies chains of operations: the example `apply` of tessera-operations."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, operations, image, tile=None):
        height, width, channels = image.shape
        request = {"operations": operations, "width": width, "height": height, "channels": channels, "bits": image.itemsize * 8}
        self.process.stdin.write(json.dumps(request | ({"tile": tile} if tile else {})).encode() + b"\n" + image.tobytes())
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "refused" in answer:
            raise Refused(answer["refused"])
        dtype = np.uint8 if answer["bits"] == 8 else np.uint16
        shape = answer["height"], answer["width"], answer["channels"]
        length = math.prod(shape) * dtype().itemsize
        return np.frombuffer(self.process.stdout.read(length), dtype).reshape(shape)


class Refused(Exception):
    """The chain does not fit the picture."""


class Random:
    """Pictures and parameters from one seed. A quarter of the parameters lies on each of the two bounds."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)

    def number(self, low, high, decimals=6):
        """Between the bounds as often small as large where they are far apart; at most six decimals, as a job has."""
        kind = self.random.random()
        if kind < 0.25:
            return low
        if kind < 0.4:
            return high
        if low > 0 and high / low > 20:
            value = math.exp(self.random.uniform(math.log(low), math.log(high)))
        else:
            value = self.random.uniform(low, high)
        return min(max(round(value, decimals), low), high)

    def whole(self, low, high):
        kind = self.random.random()
        return low if kind < 0.2 else high if kind < 0.35 else int(self.random.integers(low, high + 1))

    def choice(self, values):
        return values[int(self.random.integers(len(values)))]

    def picture(self, height, width, channels, dtype):
        """Noise, coarse structure, flat and saturated parts; alpha 0 and full in about a fifth of the pixels each."""
        top = np.iinfo(dtype).max
        noise = self.random.integers(0, top + 1, (height, width, channels))
        side = int(self.random.integers(2, 12))
        cells = self.random.integers(0, 3, (height // side + 1, width // side + 1, channels)) * (top // 2)
        coarse = np.kron(cells, np.ones((side, side, 1), int))[:height, :width]
        image = np.where(self.random.random((height, width, 1)) < self.random.random(), noise, coarse)
        if channels in (2, 4):
            kind = self.random.random((height, width))
            image[..., -1] = np.where(kind < 0.2, 0, np.where(kind < 0.4, top, image[..., -1]))
        return image.astype(dtype)
