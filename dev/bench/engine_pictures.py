"""The pixels of `make bench`: engine_pictures.py PHOTOGRAPH FOLDER WIDTH HEIGHT leaves FOLDER/rgb, gray and rgba, raw.

The photograph is mirrored out to the size; its alpha goes softly from transparent to opaque and again.
"""

import sys

import cv2
import numpy as np

photograph, folder, width, height = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
source = cv2.cvtColor(cv2.imread(photograph), cv2.COLOR_BGR2RGB)


def mirrored(length, size):
    place = np.arange(size) % (2 * length)
    return np.where(place < length, place, 2 * length - 1 - place)


rgb = np.ascontiguousarray(source[mirrored(source.shape[0], height)][:, mirrored(source.shape[1], width)])
alpha = ((np.arange(height)[:, None] + np.arange(width)) // 2 % 256).astype(np.uint8)
rgb.tofile(f"{folder}/rgb")
cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).tofile(f"{folder}/gray")
np.dstack([rgb, alpha]).tofile(f"{folder}/rgba")
