"""Sets up the emulation of arm64, which `mobile-style benchmark --device arm64-emulated` needs:

    python -m mobile_style.devices.arm64_setup [--install]

Needs Debian or Ubuntu with qemu-user and a C compiler; with --install, root installs what is missing. Everything else
goes into one folder in the user's cache: a Python for arm64 with its dependencies, from the distribution's packages,
and LiteRT and NumPy, from wheels.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import DeviceError, MobileStyleError
from ..files import writing
from .arm64 import FOLDER, PLUGIN, Installation, installation, setup_version

PACKAGES = ("python3-minimal", "libpython3-stdlib", "libstdc++6", "zlib1g")
PLATFORMS = ("manylinux_2_35_aarch64", "manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux_2_17_aarch64")
PLUGIN_VERSIONS = (1, 2, 3, 4, 5)
# Files that the runtime's processor detection reads; without them, it reads this machine's and crashes.
SYSTEM = {
    "proc/cpuinfo": (
        "processor\t: 0\nBogoMIPS\t: 50.00\n"
        "Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc asimddp\n"
        "CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x4\nCPU part\t: 0xd0b\nCPU revision\t: 1\n"
    ),
    "sys/devices/system/cpu/possible": "0\n",
    "sys/devices/system/cpu/present": "0\n",
    "sys/devices/system/cpu/online": "0\n",
    "sys/devices/system/cpu/kernel_max": "0\n",
    "sys/devices/system/cpu/cpu0/topology/core_id": "0\n",
    "sys/devices/system/cpu/cpu0/topology/physical_package_id": "0\n",
    "sys/devices/system/cpu/cpu0/topology/core_siblings_list": "0\n",
    "sys/devices/system/cpu/cpu0/topology/thread_siblings_list": "0\n",
    "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "2000000\n",
    "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_min_freq": "2000000\n",
}


def run(*command: object, why: str, cwd: Path | None = None) -> str:
    """Runs a command in the folder `cwd`; returns its standard output. `why` begins the error's message.

    Raises:
        DeviceError: it failed; the message ends with the last line that it printed.
    """
    words = list(map(str, command))
    done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False, cwd=cwd)
    if done.returncode:
        reason = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise DeviceError(f"{why} failed: {reason}")
    return done.stdout


def setup() -> Installation:
    """Makes the folder, replacing an older one.

    Raises:
        DeviceError: something that is needed is missing, cannot be fetched, or does not work.
        OutputError: the folder cannot be written.
    """
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise DeviceError(f"there is no {tool}; the emulation is set up from the packages of Debian or Ubuntu")
    _tools()
    with writing(FOLDER, replacing=True) as place:
        root, site = place / "root", place / "site"
        root.mkdir(parents=True)
        print("fetching Python for arm64 from the distribution's packages", file=sys.stderr, flush=True)
        unpack(PACKAGES, root, {"APT::Architecture": "arm64", "APT::Architectures": "arm64"})
        for name, text in SYSTEM.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        python = next(path.name for path in sorted((root / "usr/bin").glob("python3.*")) if path.name[8:].isdigit())
        print("fetching LiteRT and NumPy for arm64", file=sys.stderr, flush=True)
        _wheels(site, python.removeprefix("python"))
        print("trying it out", file=sys.stderr, flush=True)
        counts = _plugin(Installation(place, python, False))
        described = {"setup": setup_version(), "python": python, "counts": counts}
        (place / "installed.json").write_text(json.dumps(described) + "\n")
    return installation()


def may_install() -> bool:
    """Whether Debian packages may be installed: only by root, with `--install` or in CI."""
    return os.geteuid() == 0 and ("--install" in sys.argv or os.environ.get("CI") == "true")


def _tools() -> None:
    """Checks for qemu-user and a C compiler, and installs them if that is allowed."""
    wanted = {"qemu-user": "qemu-aarch64", "gcc": "cc", "libc6-dev": "/usr/include/stdio.h"}
    missing = [p for p, tool in wanted.items() if shutil.which(tool) is None and not Path(tool).exists()]
    if missing and not may_install():
        raise DeviceError(f"{' and '.join(missing)} missing; as root: apt-get install {' '.join(missing)}; then again")
    if missing:
        print(f"installing {' '.join(missing)}", file=sys.stderr, flush=True)
        run("apt-get", "-q", "update", why="apt-get update")
        run("apt-get", "-q", "-y", "--no-install-recommends", "install", *missing, why="apt-get install")


def unpack(packages: Sequence[str], root: Path, options: dict[str, str], dependencies: bool = True) -> None:
    """Fetches Debian packages and unpacks them into a folder, without changing apt's lists and cache of the system.

    Args:
        packages: their names.
        root: the folder.
        options: apt's, by name.
        dependencies: whether to fetch the packages' dependencies, too.

    Raises:
        DeviceError: apt or dpkg fails.
    """
    with TemporaryDirectory() as folder:
        apt = Path(folder)
        for name in ("state/lists/partial", "cache/archives/partial"):
            (apt / name).mkdir(parents=True)
        (apt / "status").touch()
        own = {
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "",
            "Acquire::Languages": "none",
            "Debug::NoLocking": "1",
            "Dir::State": str(apt / "state"),
            "Dir::State::status": str(apt / "status"),
            "Dir::Cache": str(apt / "cache"),
        }
        flags = [part for name, value in (own | options).items() for part in ("-o", f"{name}={value}")]
        run("apt-get", "-q", *flags, "update", why="apt-get update")
        archives = apt / "cache/archives"
        action = ("-y", "--download-only", "install") if dependencies else ("download",)  # "download" writes to `cwd`
        run("apt-get", "-q", *flags, *action, *packages, why=f"fetching {packages[0]}", cwd=archives)
        for package in sorted(archives.glob("*.deb")):
            run("dpkg-deb", "--extract", package, root, why=f"unpacking {package.name}")


def _wheels(site: Path, python: str) -> None:
    """Installs LiteRT and NumPy in the versions of this machine, so that outputs can be compared."""
    platforms = [part for platform in PLATFORMS for part in ("--platform", platform)]
    wanted = [f"{name}=={version(name)}" for name in ("ai-edge-litert", "numpy")]
    if python != f"{sys.version_info.major}.{sys.version_info.minor}":
        wanted[1] = "numpy"  # NumPy's version here may not exist for another Python
    flags = ["--quiet", "--target", site, "--only-binary=:all:", "--python-version", python, "--implementation", "cp"]
    run(sys.executable, "-m", "pip", "install", *flags, *platforms, *wanted, why="fetching arm64 wheels")


def _plugin(made: Installation) -> bool:
    """Checks that the emulated Python runs, and builds the counter; returns whether this QEMU accepts plugins."""
    program = "import os, ai_edge_litert.interpreter; os.getppid(); os.getppid(); print('ready')"
    run(*made.command(None), "-c", program, why="running the emulated Python")
    source, counter, out = Path(__file__).with_name("count_instructions.c"), made.folder / PLUGIN, made.folder / "count"
    for interface in PLUGIN_VERSIONS:
        build = ("cc", "-shared", "-fPIC", "-O2", f"-DVERSION={interface}", source, "-o", counter)
        run(*build, why="building the instruction counter")
        done = subprocess.run([*made.command(out), "-c", "import os; os.getppid()"], capture_output=True, check=False)
        if done.returncode == 0 and out.exists() and out.read_text():
            out.unlink()
            return True
    print("this QEMU takes no plugins, so instructions are not counted", file=sys.stderr, flush=True)
    return False


if __name__ == "__main__":
    try:
        print(f"ready: {setup().folder}")
    except MobileStyleError as error:
        sys.exit(f"error: {error}")
