"""grayscale > gaussianBlur 1.5 > sobel of a tiled TIFF by dask.distributed, for comparison: dask_chain.py SOURCE OUTPUT [PROCESSES].

Every process reads its own part of the file, computes it with OpenCV in whole-array calls and compresses its tiles; this
process only writes them to the file, in order and while others are computed. It prints what it measured as JSON.
"""

import json
import sys
import time

import cv2
import dask
import dask.array as da
import imagecodecs
import numpy as np
import tifffile
import zarr
from dask.distributed import Client, LocalCluster

CHUNK = 2048
TILE = 512
RADIUS = 5  # of the blur, as gaussianBlur 1.5 has it
HALO = RADIUS + 1  # and one pixel for sobel

_open = {}


def read(path, block_info=None):
    """The pixels of one chunk. A process opens the file once: tifffile's store cannot be sent to another process."""
    if path not in _open:
        _open[path] = zarr.open(tifffile.imread(path, aszarr=True), mode="r")
    rows, columns, _ = block_info[None]["array-location"]
    return _open[path][slice(*rows), slice(*columns)]


def chain(pixels):
    """One chunk with its halo: RGB to the magnitude of the gradient of the blurred intensity."""
    gray = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    size = (2 * RADIUS + 1, 2 * RADIUS + 1)
    # In floating point: OpenCV's own 8-bit arithmetic is up to six levels off after sobel.
    blurred = cv2.GaussianBlur(gray.astype(np.float32), size, 1.5, borderType=cv2.BORDER_REPLICATE)
    blurred = np.rint(blurred).astype(np.uint8)
    x = cv2.Sobel(blurred, cv2.CV_32F, 1, 0, borderType=cv2.BORDER_REPLICATE)
    y = cv2.Sobel(blurred, cv2.CV_32F, 0, 1, borderType=cv2.BORDER_REPLICATE)
    return cv2.convertScaleAbs(cv2.magnitude(x, y))


def encode(block):
    """The compressed tiles of a chunk, row by row."""
    rows = []
    for y in range(0, block.shape[0], TILE):
        row = []
        for x in range(0, block.shape[1], TILE):
            tile = np.zeros((TILE, TILE), np.uint8)
            part = block[y : y + TILE, x : x + TILE]
            tile[: part.shape[0], : part.shape[1]] = part
            row.append(imagecodecs.deflate_encode(imagecodecs.delta_encode(tile, axis=-1), level=6))
        rows.append(row)
    return rows


def chunks(length):
    return tuple(min(CHUNK, length - at) for at in range(0, length, CHUNK))


def in_file_order(client, blocks):
    """Tiles row-major over the whole image. All rows of chunks are computed at once and taken in their order."""
    futures = [client.compute(list(row)) for row in blocks]
    while futures:
        row = client.gather(futures.pop(0))
        for line in range(len(row[0])):
            for block in row:
                yield from block[line]


def run(source, output, processes):
    started = time.perf_counter()
    cv2.setNumThreads(1)
    with LocalCluster(n_workers=processes, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        client.run(lambda: cv2.setNumThreads(1))
        ready = time.perf_counter()
        with tifffile.TiffFile(source) as file:
            height, width = file.pages[0].shape[:2]
        pixels = da.map_blocks(
            read, source, chunks=(chunks(height), chunks(width), (3,)), dtype=np.uint8, meta=np.empty((0, 0, 0), np.uint8)
        )
        # Nothing is added around the image: there OpenCV replicates, as each operation of ours does.
        with_halo = da.overlap.overlap(pixels, {0: HALO, 1: HALO, 2: 0}, "none")
        result = with_halo.map_blocks(chain, drop_axis=2, dtype=np.uint8, meta=np.empty((0, 0), np.uint8))
        result = da.overlap.trim_internal(result, {0: HALO, 1: HALO}, "none")
        blocks = [[dask.delayed(encode)(block) for block in row] for row in result.to_delayed()]
        tifffile.imwrite(
            output, in_file_order(client, blocks), shape=(height, width), dtype=np.uint8, tile=(TILE, TILE),
            compression="adobe_deflate", predictor=True, photometric="minisblack", bigtiff=True,
        )
        done = time.perf_counter()
    return {"start": ready - started, "compute": done - ready}


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 2)))
