"""How two gray TIFFs agree: agreement.py ONE OTHER prints the share of pixels within one level, and the largest difference, as JSON."""

import json
import sys

import numpy as np
import tifffile
import zarr

one, other = (zarr.open(tifffile.imread(path, aszarr=True), mode="r") for path in sys.argv[1:3])
if one.shape != other.shape:
    sys.exit(f"{one.shape} and {other.shape} pixels")
within, largest = 0, 0
for y in range(0, one.shape[0], 2048):
    difference = np.abs(one[y : y + 2048].astype(np.int16) - other[y : y + 2048].astype(np.int16))
    within += int((difference <= 1).sum())
    largest = max(largest, int(difference.max()))
print(json.dumps({"within": within / (one.shape[0] * one.shape[1]), "largest": largest}))
