"""The programs that open files: each gives the pixels it reads, or fails. None of them is ours."""
import os
import re
import subprocess
import tempfile
import warnings

import numpy as np
import pyvips
import rasterio
import tifffile
from PIL import Image

Image.MAX_IMAGE_PIXELS = None
# Files of one name follow each other.
pyvips.cache_set_max(0)
warnings.filterwarnings("ignore", category=rasterio.errors.NotGeoreferencedWarning)


def command(*arguments):
    """Runs a program that must succeed and complain of nothing."""
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr.strip(), f"{' '.join(arguments)}: {done.returncode} {done.stderr}{done.stdout[-500:]}"
    return done.stdout


def libtiff(path):
    """All directories decoded by libtiff, and the first one read from an uncompressed copy."""
    command("tiffinfo", "-s", path)
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "copy.tif")
        command("tiffcp", "-c", "none", f"{path},0", copy)
        return with_channels(tifffile.imread(copy))


def libvips(path):
    return with_channels(pyvips.Image.new_from_file(path).numpy())


def gdal(path):
    with rasterio.open(path) as image:
        return np.moveaxis(image.read(), 0, -1)


def gdal_level(path, level):
    with rasterio.open(path, overview_level=level - 1) as image:
        return np.moveaxis(image.read(), 0, -1)


def pillow(path):
    with Image.open(path) as image:
        return with_channels(np.asarray(image))


def djpeg(path):
    """libjpeg-turbo's own program, by its default decoder."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.pnm")
        command("djpeg", "-pnm", "-outfile", out, path)
        return pillow(out)


def pngcheck(path):
    assert "OK" in command("pngcheck", path)


def valid_cog(path):
    """GDAL's validator: its errors and warnings, none of which is allowed."""
    said = command("/usr/bin/python3", "-m", "osgeo_utils.samples.validate_cloud_optimized_geotiff", "--full-check=yes", path)
    assert re.search("is a valid cloud optimized GeoTIFF", said) and "warning" not in said.lower(), said


def with_channels(array):
    return array if array.ndim == 3 else array[..., None]
