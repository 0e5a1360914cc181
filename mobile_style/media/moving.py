"""Which files are videos or animated pictures, and which of them can be written; does not import PyAV."""

from pathlib import Path

from ..errors import OutputError
from . import animation

SUFFIXES = frozenset(
    {".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".3gp", ".3g2", ".mts", ".m2ts", ".ts", ".mpg", ".mpeg"}
    | {".vob", ".wmv", ".asf", ".ogv", ".ogm", ".flv", ".f4v", ".qt", ".mk3d", ".m2t", ".m1v", ".m2v", ".mxf", ".dv"}
    | {".divx", ".ivf", ".nut", ".wtv"}
)
CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}  # ffmpeg's names
SYNC, STEPS = (
    0x47,
    (188, 192, 204),
)  # MPEG transport stream (ISO/IEC 13818-1, 2.4.3.2): first byte of a packet, and bytes from packet to packet
FOUND = 4  # this many packets in a row are no coincidence
BEGIN = (FOUND + 1) * max(STEPS)  # bytes of a file's beginning that show them


def is_video(path: Path) -> bool:
    """Whether the suffix is that of a video. The content decides whether a .ts file is a video or TypeScript."""
    suffix = path.suffix.lower()
    return suffix in SUFFIXES and (suffix != ".ts" or not path.is_file() or _is_transport_stream(path))


def _is_transport_stream(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return packets_of(file.read(BEGIN)) is not None
    except OSError:
        return True  # opening it as a video will report the error


def packets_of(start: bytes) -> tuple[int, int] | None:
    """Offsets of the first two packets in the first `BEGIN` bytes of an MPEG transport stream; None if it is none.

    A recording may begin inside a packet. A time may precede each packet, or a checksum may follow it.
    """
    for step in STEPS:
        for first in range(step):
            if start[first::step][:FOUND] == bytes([SYNC] * FOUND):
                return first, first + step
    return None


def is_moving(path: Path) -> bool:
    """Whether the file is a video, by its suffix, or an animated picture, by its content."""
    return is_video(path) or animation.is_animation(path)


def suffix_of(source: Path) -> str:
    """The suffix for the result of a moving source: its own if that can be written, else .mp4."""
    suffix = source.suffix.lower()
    return source.suffix if suffix in CONTAINERS or animation.can_hold(source) else ".mp4"


def check_target(target: Path) -> None:
    """Raises OutputError if no video or animated picture can be written at a file of this name."""
    if not animation.can_hold(target):
        container_of(target)


def container_of(target: Path) -> str:
    """ffmpeg's name of the container for the suffix.

    Raises:
        OutputError: no container that is written has this suffix.
    """
    if target.suffix.lower() not in CONTAINERS:
        raise OutputError(
            f"{target}: videos are written as {', '.join(CONTAINERS)}, .gif or .webp; use one of these suffixes"
        )
    return CONTAINERS[target.suffix.lower()]
