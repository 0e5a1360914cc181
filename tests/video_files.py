"""Small videos for the tests, made by code."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def write_video(
    path: Path, sound: bool, codecs: tuple[str, str] = ("libx264", "aac"), title: str = "", noise: float = 0.0
) -> None:
    """Eight frames, each brighter than the last; sound interleaved as players want it."""
    random = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        container.metadata["title"] = title
        stream = container.add_stream(codecs[0], rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        audio = container.add_stream(codecs[1], rate=44100, layout="stereo", bit_rate=128_000) if sound else None
        packets = []
        for number in range(8):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 20 * number, np.uint8), format="rgb24")
            packets += stream.encode(frame)
        packets += stream.encode()
        if audio is not None:
            for start in range(0, 34816, 1024):
                samples = noise * random.uniform(-1, 1, (2, 1024))
                tone = av.AudioFrame.from_ndarray(samples.astype(np.float32), format="fltp", layout="stereo")
                tone.rate, tone.pts = 44100, start
                packets += audio.encode(tone)
            packets += audio.encode()
        for packet in sorted((p for p in packets if p.dts is not None), key=lambda p: p.dts * p.time_base):
            container.mux(packet)


def write_long_video(
    path: Path,
    seconds: int = 32,
    start: int = 0,
    codecs: tuple[str, str] = ("libx264", "aac"),
    alpha: bool = False,
    **options: str,
) -> None:
    """A pan over noise with sound and a title, a key frame each 4 s, its frames 0.1 to 0.3 s apart from `start` on."""
    random = np.random.default_rng(0)
    wide = random.integers(0, 256, (48, 600, 4 if alpha else 3), np.uint8)
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "Long"
        stream = container.add_stream(codecs[0], rate=5, options={"g": "20", "bf": "3"} | options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuva420p" if alpha else "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        audio = container.add_stream(codecs[1], rate=8_000, layout="mono", bit_rate=16_000)
        packets, time, number = [], start * 1000, 0
        while time < (start + seconds) * 1000:
            view = np.ascontiguousarray(wide[:, number % 500 : number % 500 + 64])
            frame = av.VideoFrame.from_ndarray(view, format="rgba" if alpha else "rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            packets += stream.encode(frame)
            time, number = time + int(random.integers(100, 300)), number + 1
        packets += stream.encode()
        for begin in range(0, seconds * 8_000, 8_000):
            samples = 0.1 * np.sin(0.05 * np.arange(begin, begin + 8_000, dtype=np.float32))
            tone = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
            tone.rate, tone.pts = 8_000, begin
            packets += audio.encode(tone)
        packets += audio.encode()
        for packet in sorted((p for p in packets if p.dts is not None), key=lambda p: p.dts * p.time_base):
            container.mux(packet)


def encoded(
    path: Path,
    pictures: list[np.ndarray],
    codec: str = "libx264",
    layout: str = "yuv420p",
    prepare: Callable[[av.container.OutputContainer], object] = lambda container: None,
    **options: str,
) -> Path:
    """A video of these pictures at 25 frames a second, RGB or RGBA."""
    with av.open(str(path), "w") as container:
        prepare(container)
        stream = container.add_stream(codec, rate=25, options=options)
        stream.height, stream.width, stream.pix_fmt = *pictures[0].shape[:2], layout
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="rgba" if picture.shape[2] == 4 else "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def corners() -> np.ndarray:
    """A picture whose corners differ: black, red, green and blue, from the upper left as one reads."""
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24, 32:], picture[24:, :32], picture[24:, 32:] = (230, 20, 20), (20, 230, 20), (20, 20, 230)
    return picture
