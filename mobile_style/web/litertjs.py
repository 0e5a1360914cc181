"""The files of LiteRT.js, which runs .tflite files in a browser: their pinned versions, their download, their place.

They are not in the repository. A wheel contains them (hatch_build.py fetches them); a checkout gets them into the
user's cache with `python -m mobile_style.devices.browser_setup`. This module needs only the standard library, because
the wheel's build has nothing else.
"""

import gzip
import hashlib
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import DeviceError
from ..files import CACHE, writing

VERSION = "2.5.3"
# SHA-256 of the npm packages' archives.
PACKAGES = {
    "@litertjs/core": "a97660833e9e7e1063c95e12016718881240b14f7438728a2f62785e912d30fd",
    "@litertjs/wasm-utils": "ce2a1f8379c067be49e59752e5a7f40db6be09f6e497f0f11e59f17b515366a7",
}
BUILDS = ("", "threaded_", "compat_")  # WebAssembly: plain, with threads, for browsers without relaxed SIMD
SCRIPTS = ("index.js", "wasm_utils.js", *(f"litert_wasm_{build}internal.js" for build in BUILDS))
FILES = (*SCRIPTS, *(f"litert_wasm_{build}internal.wasm" for build in BUILDS))
CARRIED = Path(__file__).parents[1] / "data" / "litertjs"
FETCHED = CACHE / f"litertjs-{VERSION}"
SETUP = f"{sys.executable} -m mobile_style.devices.browser_setup"


def folder() -> Path:
    """The folder of the gzipped files and the license.

    Raises:
        DeviceError: LiteRT.js is not set up.
    """
    for place in (CARRIED, FETCHED):
        if all((place / f"{name}.gz").is_file() for name in FILES):
            return place
    raise DeviceError(f"LiteRT.js, which runs the models in a browser, is not set up; run: {SETUP}")


def fetch(place: Path) -> None:
    """Fetches the packages with npm, checks them, and writes the files to the folder `place`, replacing it.

    Raises:
        DeviceError: npm is missing or fails, or a package's SHA-256 differs from the pinned one.
        OutputError: the folder cannot be written.
    """
    if shutil.which("npm") is None:
        raise DeviceError("there is no npm, with which LiteRT.js is fetched; as root: apt-get install npm")
    with TemporaryDirectory() as name:
        unpacked = Path(name)
        for package, wanted in PACKAGES.items():
            _unpack(_packed(package, unpacked), wanted, unpacked / package)
        core, utils = unpacked / "@litertjs/core", unpacked / "@litertjs/wasm-utils"
        made = unpacked / "made"
        made.mkdir()
        # A worker has no import map, so a file's name replaces the one bare import. The source map is left out.
        script = (core / "dist/index.js").read_text().replace('"@litertjs/wasm-utils"', '"./wasm_utils.js"')
        (made / "index.js").write_text(_without_source_map(script))
        (made / "wasm_utils.js").write_text(_without_source_map((utils / "dist/index.js").read_text()))
        for file in FILES:
            if file.startswith("litert_wasm"):
                shutil.copyfile(core / "wasm" / file, made / file)
        with writing(place, replacing=True) as temporary:
            temporary.mkdir()
            for file in FILES:
                (temporary / f"{file}.gz").write_bytes(gzip.compress((made / file).read_bytes(), 9, mtime=0))
            # The packages declare Apache-2.0 but lack its text; this project's LICENSE has the same text.
            (temporary / "LICENSE").write_text(license())


def license() -> str:
    """The text of Apache-2.0, from this project's LICENSE.

    Raises:
        DeviceError: the file is missing.
    """
    root = Path(__file__).parents[2]
    for path in (root / "LICENSE", *root.glob("mobile_style-*.dist-info/licenses/LICENSE")):
        if path.is_file():
            return path.read_text()
    raise DeviceError("the text of the license, LICENSE, is missing; install mobile-style again")


def _packed(package: str, into: Path) -> Path:
    command = ["npm", "pack", f"{package}@{VERSION}", "--ignore-scripts", "--silent", "--pack-destination", str(into)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, cwd=into)
    if done.returncode:
        reason = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise DeviceError(f"fetching {package} {VERSION} with npm failed: {reason}")
    return into / done.stdout.split()[-1]


def _unpack(archive: Path, wanted: str, into: Path) -> None:
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != wanted:
        raise DeviceError(f"{archive.name} has sha256 {found}, not {wanted}: another file than was tested, left out")
    with tarfile.open(archive) as tar:
        for member in tar:
            path = Path(member.name)
            content = tar.extractfile(member) if member.isfile() and path.parts[0] == "package" else None
            if content is not None and ".." not in path.parts:
                target = into.joinpath(*path.parts[1:])
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.read())


def _without_source_map(script: str) -> str:
    return "".join(line for line in script.splitlines(True) if not line.startswith("//# sourceMappingURL"))
