from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mobile_style.media.video_time import Order, Timeline
from mobile_style.painting import video
from video_files import write_video


@dataclass
class Stamped:
    """What the clocks look at in a packet or a frame."""

    pts: int | None
    duration: int = 40
    dts: int | None = None
    time_base: Fraction = Fraction(1, 1000)


def times_of(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [round(frame.time, 3) for frame in container.decode(video=0)]


def unchanged(picture: np.ndarray) -> np.ndarray:
    return picture


@pytest.mark.parametrize(
    ("told", "given", "made"),
    [
        ([0, 40, 120, 160], [0, 40, 120, 160], 0),  # pauses are kept
        ([40, 120, 160, 80, 200], [40, 80, 120, 160, 200], 3),  # as AVI numbers B-frames
        ([None, None, None], [0, 40, 80], 3),
        ([0, 40, 80, 0, 40, 80], [0, 40, 80, 120, 160, 200], 3),  # two clips in one file
        ([0, 40, 40, 120], [0, 40, 80, 120], 1),
        ([0, None, 80], [0, 40, 80], 1),
    ],
)
def test_frames_in_order(told: list[int | None], given: list[int], made: int) -> None:
    order = Order(Fraction(1, 25))
    frames = list(order.times(map(Stamped, told)))
    assert [time * 1000 for _, time, _ in frames] == given and order.made == made
    assert sum(duration for *_, duration in frames) * 1000 == given[-1] - given[0] + 40


def test_a_timeline_without_jumps() -> None:
    """A recording that starts late, is spliced, and whose clock is then set back."""
    timeline = Timeline("audio", Fraction(3601), spliced=True)
    packets = [Stamped(3_601_000 + 40 * n) for n in range(3)]
    packets += [Stamped(9_000_000 + 40 * n) for n in range(2)] + [Stamped(5_000)]
    for packet in packets:
        timeline.move(packet)
    assert [packet.pts for packet in packets] == [0, 40, 80, 120, 160, 200] and timeline.jumps == 2
    pause = [Stamped(0), Stamped(60_000)]
    still = Timeline("video", Fraction(0), spliced=False)
    for packet in pause:
        still.move(packet)
    assert [packet.pts for packet in pause] == [0, 60_000] and not still.jumps


def test_pauses_between_b_frames_are_no_jumps() -> None:
    """At a frame a second, and at 25 a second with a pause of nine seconds."""
    for shown in ([0, 4, 2, 1, 3, 8, 6, 5, 7], [0, 0.12, 0.04, 0.08, 9, 0.16, 0.2, 9.12, 9.04, 9.08]):
        slow = Timeline("video", Fraction(0), spliced=True)
        packets = [Stamped(int(1000 * second)) for second in shown]
        for packet in packets:
            slow.move(packet)
        assert [packet.pts for packet in packets] == [int(1000 * second) for second in shown] and not slow.jumps


def test_time_that_begins_anew_is_a_jump_at_any_rate() -> None:
    timeline = Timeline("video", Fraction(0), spliced=True)
    packets = [Stamped(1000 * second) for second in (*range(40), 0, 2, 1)]
    for packet in packets:
        timeline.move(packet)
    assert timeline.jumps == 1 and [packet.pts for packet in packets[-3:]] == [39_040, 41_040, 40_040]


def test_a_recording_that_starts_late(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mts", sound=True)
    with av.open(str(tmp_path / "a.mts")) as reading, av.open(str(tmp_path / "late.mts"), "w", "mpegts") as written:
        streams = {stream.index: written.add_stream_from_template(stream, opaque=True) for stream in reading.streams}
        for packet in reading.demux():
            if packet.dts is not None:
                packet.pts += 3600 * 90_000
                packet.dts += 3600 * 90_000
                packet.stream = streams[packet.stream.index]
                written.mux(packet)
    with av.open(str(tmp_path / "late.mts")) as container:
        assert container.start_time > 3600 * 1_000_000
    assert video.convert(tmp_path / "late.mts", tmp_path / "b.mp4", unchanged, None) == []
    times = times_of(tmp_path / "b.mp4")
    assert len(times) == 8 and times[0] < 0.1 and times[-1] == pytest.approx(times[0] + 0.7)
    with av.open(str(tmp_path / "b.mp4")) as container:
        sound = [frame.time for frame in container.decode(audio=0)]
    assert sound[0] < 0.1 and sound[-1] == pytest.approx(0.77, abs=0.1)


def coded(path: Path, bframes: int, container: str | None = None) -> Path:
    """Twelve frames of H.264, each brighter than the one before."""
    with av.open(str(path), "w", container) as written:
        options = {"bf": str(bframes), "crf": "10", "x264-params": "b-adapt=0:scenecut=0"}
        stream = written.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(12):
            pixels = np.full((48, 64, 3), 20 * number, np.uint8)
            written.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        written.mux(stream.encode())
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_b_frames_in_avi(tmp_path: Path, suffix: str) -> None:
    source, target = coded(tmp_path / "a.avi", 3), tmp_path / f"b{suffix}"
    (said,) = video.convert(source, target, unchanged, None)
    assert "time stamps of" in said and "sorted or made anew" in said
    times = times_of(target)
    np.testing.assert_allclose(np.diff(times), 0.04, atol=0.0011)
    with av.open(str(target)) as container:
        light = [frame.to_ndarray(format="rgb24").mean() for frame in container.decode(video=0)]
    np.testing.assert_allclose(light, [20 * number for number in range(12)], atol=4)


def test_no_time_stamps_at_all(tmp_path: Path) -> None:
    coded(tmp_path / "a.mp4", 3, "h264")
    assert video.convert(tmp_path / "a.mp4", tmp_path / "b.mp4", unchanged, None) == [
        "time stamps of 12 frames were missing or out of order, and were sorted or made anew"
    ]
    np.testing.assert_allclose(np.diff(times_of(tmp_path / "b.mp4")), 0.04, atol=0.001)
