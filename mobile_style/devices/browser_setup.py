"""Sets up what the browser page and its checks need in a checkout:

    python -m mobile_style.devices.browser_setup

LiteRT.js goes into one folder in the user's cache (an installed wheel has it already). npm fetches it; `validate
--device browser` and the tests run it in Chromium. If one of these is missing and root runs this with --install, it is
installed from Debian's packages.
"""

import shutil
import sys

from ..errors import DeviceError, MobileStyleError
from ..web import litertjs
from .arm64_setup import may_install, run
from .browser import find_browser

SOURCES = {"npm": "it comes with Node.js", "chromium": "or Chrome"}


def setup() -> list[str]:
    """Installs what is missing; returns a sentence for each thing that the page still lacks."""
    if find_browser() is None:
        for sentence in _install("chromium"):
            print(f"{sentence} (only the tests and --device browser need it)", file=sys.stderr, flush=True)
    try:
        litertjs.folder()
        return []
    except DeviceError:
        left = [] if shutil.which("npm") else _install("npm")
        try:
            litertjs.fetch(litertjs.FETCHED)
        except MobileStyleError as error:
            left.append(str(error))
    return left


def _install(package: str) -> list[str]:
    if shutil.which("apt-get") is None:
        return [f"{package} is missing ({SOURCES[package]}); install it, then again"]
    if not may_install():
        return [f"{package} is missing; as root: apt-get install {package}; then again"]
    print(f"installing {package}", file=sys.stderr, flush=True)
    try:
        run("apt-get", "-q", "update", why="apt-get update")
        run("apt-get", "-q", "-y", "--no-install-recommends", "install", package, why="apt-get install")
    except DeviceError as error:
        return [str(error)]
    return []


if __name__ == "__main__":
    missing = setup()
    sys.exit("error: " + "; ".join(missing) if missing else print(f"ready: {litertjs.folder()}"))
