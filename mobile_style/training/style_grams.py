"""The losses that a checkpoint was trained with, from its style image or the Gram matrices kept in its place.

A painting that may not be passed on is replaced by `GRAMS`: an .npz file with, for each style layer, the upper half of
the Gram matrix, row by row, float16.
"""

import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from ..errors import CheckpointError
from ..media import images
from ..network.catalog import kept_style, painting_of
from .config import TrainConfig
from .evaluation_losses import PictureLosses
from .objective import VGG16_CHANNELS
from .style_crop import cropped
