"""Every error that mobile-style raises on purpose, as one tree.

    MobileStyleError            exit 1  anything below, and nothing else
    ├── UsageError              exit 2  flags that contradict each other or are out of range
    ├── ImageError              exit 3  a photo, painting or video that cannot be used
    │   └── UnpaintedError      exit 3  some of several photos and videos; it knows what was painted
    ├── DatasetError            exit 4  a folder of photos or TFRecord shards that cannot be used
    ├── CheckpointError         exit 5  a model file that is missing, damaged or of another kind
    ├── OutputError             exit 6  a place that cannot be written, or would be overwritten
    ├── DivergedError           exit 7  a training whose loss is no longer a number or explodes
    ├── FidelityError           exit 8  an exported model that does not paint what the float network paints
    └── DeviceError             exit 9  a phone or an emulator that is missing, refuses, or goes away

The command line prints the message as one line and exits with the code; `MOBILE_STYLE_DEBUG=1`
shows the traceback instead. Each message says what is wrong and what to do next.
"""

from collections.abc import Sequence
from pathlib import Path

EXTRAS = {  # of pyproject.toml, by the name that is imported
    "google_crc32c": "train",
    "keras": "train",
    "scipy": "train",
    "tensorboard": "train",
    "tensorflow": "train",
    "coremltools": "coreml",
    "fsspec": "cloud",
    "pyarrow": "cloud",
    "ray": "ray",
}


class MobileStyleError(Exception):
    """Base of every expected error."""

    exit_code = 1


def missing_extra(error: ModuleNotFoundError) -> MobileStyleError | None:
    """What to install where a library is missing that an extra brings; None if none does."""
    extra = EXTRAS.get((error.name or "").partition(".")[0])
    if extra is None:
        return None
    return UsageError(f"this needs {error.name}, which is not installed: pip install 'mobile-style[{extra}]'")


class UsageError(MobileStyleError):
    """Flags that contradict each other or are out of range."""

    exit_code = 2


class ImageError(MobileStyleError):
    """A photo, painting or video that cannot be used."""

    exit_code = 3


class UnpaintedError(ImageError):
    """Some of several photos and videos could not be painted.

    Attributes:
        written: the results of the others, paths.
    """

    def __init__(self, message: str, written: Sequence[Path]):
        super().__init__(message)
        self.written = tuple(written)


class DatasetError(MobileStyleError):
    """A folder of photos or TFRecord shards that cannot be used."""

    exit_code = 4


class CheckpointError(MobileStyleError):
    """A model file that is missing, damaged or of another kind."""

    exit_code = 5


class OutputError(MobileStyleError):
    """A place that cannot be written, or would be overwritten."""

    exit_code = 6


class DivergedError(MobileStyleError):
    """A training whose loss is no longer a number or explodes."""

    exit_code = 7


class FidelityError(MobileStyleError):
    """An exported model that does not paint what the float network paints."""

    exit_code = 8


class DeviceError(MobileStyleError):
    """A phone or an emulator that is missing, refuses, or goes away."""

    exit_code = 9
