"""Sets up a software driver for `--device gpu` on a Linux machine without a GPU:

    python -m mobile_style.devices.gpu_setup

The driver is SwiftShader, which runs Vulkan on the CPU. It comes from an installed Chromium or Chrome, or from Debian's
package of Chromium (30 MB). Two libraries (6 MB) go into one folder in the user's cache; nothing else is changed.
"""

import json
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import DeviceError, MobileStyleError
from ..files import writing
from .arm64_setup import unpack
from .gpu import DRIVER, FOLDER, Gpu

BROWSERS = (Path("/usr/lib/chromium"), Path("/opt/google/chrome"))
PACKAGES = ("chromium-common", "chromium")  # which of them has the libraries depends on the version
LIBRARIES = ("libvk_swiftshader.so", "libvulkan.so.1")
VULKAN = "1.3.0"


def setup() -> str:
    """Copies or fetches the driver unless LiteRT finds a GPU; returns the name of the GPU, or of the driver's.

    Raises:
        DeviceError: the driver cannot be fetched, or does not work.
        OutputError: the folder cannot be written.
    """
    with suppress(DeviceError):
        return Gpu().facts.name
    with writing(FOLDER, replacing=True) as place, TemporaryDirectory() as fetched:
        place.mkdir(parents=True)
        for library in _installed() or _fetched(Path(fetched)):
            shutil.copy(library, place)
        described = {"library_path": str(FOLDER / LIBRARIES[0]), "api_version": VULKAN}
        (place / DRIVER.name).write_text(json.dumps({"file_format_version": "1.0.0", "ICD": described}) + "\n")
    return Gpu().facts.name


def _installed() -> list[Path]:
    """The libraries of an installed browser; empty if no browser has both."""
    folders = [folder for folder in BROWSERS if all((folder / name).exists() for name in LIBRARIES)]
    return [folders[0] / name for name in LIBRARIES] if folders else []


def _fetched(root: Path) -> list[Path]:
    """The libraries of Debian's Chromium, unpacked into `root`.

    Raises:
        DeviceError: a tool is missing, or the packages cannot be fetched or lack the libraries.
    """
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise DeviceError(f"there is no {tool}; the driver comes from Chrome or from Debian's package of Chromium")
    for package in PACKAGES:
        print(f"fetching {package}", file=sys.stderr, flush=True)
        unpack([package], root, {}, dependencies=False)
        found = [next(root.rglob(name), None) for name in LIBRARIES]
        if None not in found:
            return [library for library in found if library]
    raise DeviceError(
        f"{' and '.join(PACKAGES)} do not hold {' and '.join(LIBRARIES)}; install a Vulkan driver instead"
    )


if __name__ == "__main__":
    try:
        print(f"ready: {setup()}")
    except MobileStyleError as error:
        sys.exit(f"error: {error}")
