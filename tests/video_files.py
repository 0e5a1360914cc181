"""Small videos for the tests, made by code."""

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
