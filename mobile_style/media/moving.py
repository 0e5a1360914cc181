"""Which files are videos or animated pictures, and which of them can be written; PyAV is not needed for that."""

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
)  # of an MPEG transport stream (ISO/IEC 13818-1, 2.4.3.2): how packets begin, how far
FOUND = 4  # packets are no chance
BEGIN = (FOUND + 1) * max(STEPS)


def is_video(path: Path) -> bool:
    """Whether the name is that of a video file; of TypeScript's .ts, the content tells."""
    suffix = path.suffix.lower()
    return suffix in SUFFIXES and (suffix != ".ts" or not path.is_file() or _is_transport_stream(path))


def _is_transport_stream(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return packets_of(file.read(BEGIN)) is not None
    except OSError:
        return True  # which says why it cannot be read


def packets_of(start: bytes) -> tuple[int, int] | None:
    """Where the first packet of an MPEG transport stream lies, of which `BEGIN` bytes are given, and the next one.

    A recording may begin inside a packet. There may be a time before each of them, or a checksum behind it.
    """
    for step in STEPS:
        for first in range(step):
            if start[first::step][:FOUND] == bytes([SYNC] * FOUND):
                return first, first + step
    return None


def is_moving(path: Path) -> bool:
    """Whether the file is a video, by its name, or an animated picture."""
    return is_video(path) or animation.is_animation(path)


def suffix_of(source: Path) -> str:
    """The suffix of what becomes of a moving source: its own if that can be written, else .mp4."""
    suffix = source.suffix.lower()
    return source.suffix if suffix in CONTAINERS or animation.can_hold(source) else ".mp4"


def check_target(target: Path) -> None:
    """Raises OutputError if no video or animated picture can be written at a file of this name."""
    if not animation.can_hold(target):
        container_of(target)


def container_of(target: Path) -> str:
    """ffmpeg's name of the container that the suffix asks for.

    Raises:
        OutputError: none that is written here.
    """
    if target.suffix.lower() not in CONTAINERS:
        raise OutputError(
            f"{target}: videos are written as {', '.join(CONTAINERS)}, .gif or .webp; use one of these suffixes"
        )
    return CONTAINERS[target.suffix.lower()]
