"""A phone to test with: a real adbd, with stand-ins for the programs of Android, in a namespace of its own.

    python tests/phone/phone.py          fetches adbd, once (`make phone`)

adbd listens on every address, so it runs where there is no network but itself.
"""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
FOLDER = HERE.parents[1] / ".phone"
PORT = 5600
SERIAL = f"127.0.0.1:{PORT}"
RELEASE = "trixie"  # the first Debian with adbd
LIBRARIES = "usr/lib/x86_64-linux-gnu"
# In the namespace: a network of its own, and every folder as it is but for a /data.
INSIDE = r"""
set -e
"$PYTHON" "$HERE/phone.py" loopback
new=$(mktemp -d)
mount -t tmpfs none "$new"
for each in /*; do
  if [ -L "$each" ]; then cp -a "$each" "$new$each"
  elif [ -d "$each" ]; then mkdir "$new$each" && mount --rbind "$each" "$new$each"; fi
done
mkdir -p "$new/data/local/tmp" "$new/data/bin"
mkdir "$new/sdcard"
cp "$HERE/getprop" "$HERE/dumpsys" "$new/data/bin"
for each in pm am pidof input; do cp "$HERE/app" "$new/data/bin/$each"; done
if [ "$BEHAVIOUR" = corrupt ]; then
  printf '#!/bin/sh\necho 0123456789abcdef "$1"\n' > "$new/data/bin/sha256sum"
fi
chmod 755 "$new"/data/bin/*
exec chroot "$new" /bin/bash -c "$AROUND"
"""
AROUND = """
export HOME=/data ADBD_PORT=%d
cd "$WORK"
adbd() {
  PATH="/data/bin:$PATH" "$ADBD/usr/lib64/ld-linux-x86-64.so.2" --library-path "$ADBD/%s:$ADBD/%s/android" \\
    "$ADBD/usr/lib/android-sdk/platform-tools/adbd" > /data/adbd.log 2>&1 &
  echo $! > /data/adbd.pid
}
adbd
for try in 1 2 3 4 5 6 7 8 9 10; do
  case "$(adb connect %s 2>&1)" in connected*) break ;; esac
  sleep 0.3
done
%s
status=$?
adb kill-server > /dev/null 2>&1
kill "$(cat /data/adbd.pid)" 2> /dev/null
exit $status
"""


def missing() -> str:
    """Why there can be no such phone here; empty if there can."""
    if not (FOLDER / "root").is_dir():
        return "there is no adbd; `make phone` fetches it"
    for tool in ("adb", "unshare", "mount"):
        if shutil.which(tool) is None:
            return f"there is no {tool}"
    done = subprocess.run([*namespace(), "true"], capture_output=True, check=False)
    return "" if done.returncode == 0 else "this system allows no namespaces"


def namespace() -> list[str]:
    return ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--net", "--mount"]


def with_phone(script: str, work: Path, behaviour: str = "", **options: object) -> subprocess.CompletedProcess:
    """Runs a shell script in `work`, where adb knows one phone; `adbd` in it starts another adbd."""
    environment = {
        **os.environ,
        "PYTHON": sys.executable,
        "HERE": str(HERE),
        "ADBD": str(FOLDER / "root"),
        "WORK": str(work),
        "AROUND": AROUND % (PORT, LIBRARIES, LIBRARIES, SERIAL, script),
        "BEHAVIOUR": behaviour,
    }
    command = [*namespace(), "bash", "-c", INSIDE]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, **options)


def benchmark_binary(folder: Path) -> Path:
    """The stand-in as a program that this Python runs."""
    path = folder / "benchmark_model"
    path.write_text(f"#!{sys.executable}\n" + (HERE / "benchmark_model.py").read_text())
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def loopback() -> None:
    """Turns the namespace's own network on, which begins turned off (SIOCSIFFLAGS, IFF_UP)."""
    import fcntl
    import socket
    import struct

    with socket.socket() as opened:
        fcntl.ioctl(opened, 0x8914, struct.pack("16sH14s", b"lo", 1, b""))


def fetch() -> None:
    """Unpacks Debian's adbd and its libraries into `.phone`, by lists and a cache that are not the system's."""
    from mobile_style.devices.arm64_setup import may_install, unpack

    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(COMPONENT)"], capture_output=True, text=True, check=True
    ).stdout
    archive = next(line.split()[0] for line in listed.splitlines() if "security" not in line and line.endswith(" main"))
    if shutil.which("adb") is None and may_install():
        subprocess.run(["apt-get", "-qq", "update"], check=True)
        subprocess.run(["apt-get", "-qq", "-y", "--no-install-recommends", "install", "adb"], check=True)
    with TemporaryDirectory() as name:
        sources, root = Path(name) / "sources", Path(name) / "root"
        sources.write_text(f"deb {archive} {RELEASE} main\n")
        root.mkdir()
        unpack(["adbd"], root, {"Dir::Etc::sourcelist": str(sources), "Dir::Etc::sourceparts": "/dev/null"})
        shutil.rmtree(FOLDER, ignore_errors=True)
        shutil.copytree(root, FOLDER / "root", symlinks=True)


if __name__ == "__main__":
    loopback() if sys.argv[1:] == ["loopback"] else fetch()
