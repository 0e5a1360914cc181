"""Writes videos through PyAV: H.264 or VP9, or a codec with transparency; keeps sound, subtitles and titles."""

from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import Colorspace, VideoReformatter

from ..errors import ImageError
from ..processor import has
from . import images
from .clip import Frame
from .moving import CONTAINERS

SUFFIX = {container: suffix for suffix, container in reversed(CONTAINERS.items())}
VP9 = {"crf": "24", "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"}
# (encoder, pixel format, options) by container, without transparency and with it.
OPAQUE = {"webm": ("libvpx-vp9", "yuv420p", VP9)}
# As close to the painted frames as preset medium at crf 18, in a quarter of the time; files are a fifth larger.
H264 = ("libx264", "yuv420p", {"preset": "superfast", "crf": "15"})
# With AVX-512, x264 may write different files for the same pictures, for example 320 pixels wide: its macroblock tree
# differs. Without AVX-512, the file is always the same.
STEADY = {"x264-params": "asm=avx2"}
TRANSPARENT = {
    "webm": ("libvpx-vp9", "yuva420p", VP9),
    "matroska": ("libvpx-vp9", "yuva420p", VP9),
    "mov": ("prores_ks", "yuva444p10le", {"profile": "4444"}),
}
# Codecs that players of the container can play. Other containers: all that ffmpeg's muxer accepts.
SOUNDS = {
    "mp4": frozenset({"aac", "mp3", "mp3float", "ac3", "eac3", "alac", "opus", "libopus"}),
    "webm": frozenset({"opus", "libopus", "vorbis", "libvorbis"}),
}
SOUND_ENCODERS = {"webm": "libopus"}
OPUS_RATE = 48_000
TEXTS = frozenset({"subrip", "srt", "ass", "ssa", "mov_text", "webvtt", "text"})
TEXT_ENCODERS = {"mp4": "mov_text", "mov": "mov_text", "matroska": "srt", "webm": "webvtt"}
BT709 = 1
# Tags of a stream that describe its coding, or that the muxer writes itself.
TECHNICAL = frozenset({"encoder", "duration", "bps", "number_of_frames", "number_of_bytes", "vendor_id", "alpha_mode"})


class Track:
    """A sound or subtitle stream of the source that is copied, or encoded again, into the output."""

    def __init__(self, source: Any, target: Any, copied: bool):
        self.source, self.target, self.copied = source, target, copied
        self.damaged = 0
        self._last: int | None = None

    def packets(self, packet: Any) -> Iterable[Any]:
        """The packets to write for a packet of the source (an empty one at the end); none for a damaged one."""
        try:
            if self.source.type == "subtitle":
                return self._subtitle(packet)
            frames = packet.decode()  # even if copied: players stop at what cannot be decoded
            if not self.copied:
                encoded = [part for frame in frames for part in self.target.encode(frame)]
                return encoded if packet.size else [*encoded, *self.target.encode()]
            return [] if packet.dts is None and packet.pts is None else [self._moved(packet)]
        except (av.FFmpegError, ValueError):
            self.damaged += 1
            return []

    def _subtitle(self, packet: Any) -> list[Any]:
        if packet.pts is None or not packet.size:
            return []
        if self.copied:
            return [self._moved(packet)]
        decoded = self.source.codec_context.decode2(packet)
        if decoded is None or not len(decoded):
            return []
        written = self.target.codec_context.encode_subtitle(decoded)
        written.pts = written.dts = packet.pts
        written.duration, written.time_base = packet.duration, packet.time_base
        written.stream = self.target
        return [written]

    def _moved(self, packet: Any) -> Any:
        """The packet for the target, with a strictly increasing decoding time."""
        packet.dts = packet.dts if packet.pts is None else packet.pts  # sound and subtitles are never out of order
        if self._last is not None and packet.dts <= self._last:
            packet.dts = self._last + 1
        self._last = packet.dts
        packet.pts = packet.dts if packet.pts is None else max(packet.pts, packet.dts)
        packet.stream = self.target
        return packet


class VideoFile:
    """A video that is being written; its streams are created by `start`, or by the first frame.

    Attributes:
        remarks: what could not be written.
    """

    def __init__(
        self, path: Path, container: str, rate: Fraction, time_base: Fraction, transparent: bool, others: list[Any]
    ):
        self.remarks: list[str] = []
        self.metadata: dict[str, str] = {}
        self.titled = True  # whether the tracks' own titles are kept
        self.chapters: list[Any] = []
        self.encoded: Any = None  # a stream whose encoded packets `copy` writes
        self._path, self._container, self._rate, self._time_base = path, container, rate, time_base
        self._transparent, self._others = transparent, others
        self._file: av.container.OutputContainer | None = None
        self._encoder: Any = None
        self._tracks: dict[int, Track] = {}
        self._queue: deque[Any] = deque()
        self._reformatter = VideoReformatter()
        self._last: int | None = None

    def write(self, frame: Frame) -> None:
        """Encodes a frame, fitted to the size of the first one.

        Raises:
            ImageError: the first frame is too small for a video.
        """
        pixels = frame.pixels
        if frame.alpha is not None and not self._transparent:
            pixels = images.on_white(pixels, frame.alpha)
        if self._file is None:
            self.start(*pixels.shape[:2])
        height, width = self._encoder.height, self._encoder.width
        layers = [self._fitted(pixels, height, width)]
        if self._transparent:
            alpha = np.full(pixels.shape[:2], 255, np.uint8) if frame.alpha is None else frame.alpha
            layers.append(self._fitted(alpha, height, width)[..., None])
        picture = np.ascontiguousarray(np.concatenate(layers, 2))
        encoded = av.VideoFrame.from_ndarray(picture, format="rgba" if self._transparent else "rgb24")
        encoded = self._reformatter.reformat(encoded, format=self._encoder.pix_fmt, dst_colorspace=Colorspace.ITU709)
        ticks = round(frame.time / self._time_base)
        ticks = ticks if self._last is None else max(ticks, self._last + 1)
        self._last = encoded.pts = ticks
        encoded.time_base, encoded.duration = self._time_base, round(frame.duration / self._time_base)
        self._mux(self._encoder.encode(encoded))
        self._write_queue()

    @staticmethod
    def _fitted(picture: np.ndarray, height: int, width: int) -> np.ndarray:
        if (picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2) == (height, width):
            return picture[:height, :width]
        return images.resized(np.ascontiguousarray(picture), height, width)

    def copy(self, packet: Any, pts: int, dts: int) -> None:
        """Writes a packet of `encoded`, shown and decoded at these ticks; the muxer computes its duration."""
        packet.stream, packet.time_base = self._encoder, self._time_base
        packet.pts, packet.dts, packet.duration = pts, dts, 0
        self._mux([packet])
        self._write_queue()

    def take(self, packet: Any) -> None:
        """Queues a packet of sound or subtitles, from any thread; it is written after the next frame, or at the end."""
        self._queue.append(packet)

    def _write_queue(self) -> None:
        assert self._file is not None
        while self._queue:
            packet = self._queue.popleft()
            track = self._tracks.get(packet.stream.index)
            for written in track.packets(packet) if track is not None else ():
                try:
                    self._file.mux(written)
                except (av.FFmpegError, ValueError):  # as for AAC whose header is damaged
                    track.damaged += 1  # type: ignore[union-attr]

    def finish(self) -> None:
        """Flushes the encoders, and writes the file's end."""
        assert self._file is not None
        self._write_queue()
        if self.encoded is None:
            self._mux(self._encoder.encode())
        self._file.close()
        for track in self._tracks.values():
            if track.damaged:
                self.remarks.append(f"left out: {track.damaged} damaged packets of {_label(track.source)}")

    def close(self) -> None:
        """Closes the file, whether it is finished or not."""
        if self._file is not None:
            with suppress(av.FFmpegError):  # if it is unfinished: the cause is reported elsewhere
                self._file.close()

    def _mux(self, packets: Iterable[Any]) -> None:
        assert self._file is not None
        for packet in packets:
            self._file.mux(packet)

    def start(self, height: int, width: int) -> None:
        """Creates the streams, for pictures of this size in pixels; the first `write` does so if nobody has.

        Raises:
            ImageError: the picture is too small for a video.
        """
        height, width = height // 2 * 2, width // 2 * 2  # 4:2:0 wants even sides
        if min(height, width) < 2:
            raise ImageError("the picture is too small for a video")
        for others in (self._others, [stream for stream in self._others if stream.type == "audio"], []):
            self._file = self._opened()
            self._file.metadata.update(self.metadata)
            if self.chapters:
                self._file.set_chapters(self.chapters)
            self._add_pictures(height, width)
            remarks = [f"left out: {_label(s)}, which cannot be written" for s in self._others if s not in others]
            self._tracks = {}
            for stream in others:
                track = self._track(stream)
                if track is None:
                    remarks.append(f"left out: {_label(stream)}, which {SUFFIX[self._container]} cannot hold")
                else:
                    self._tracks[stream.index] = track
            try:
                self._file.start_encoding()
            except (av.FFmpegError, ValueError):
                if not others:
                    raise
                self._file.close()
                continue
            self.remarks += remarks
            return

    def _opened(self) -> av.container.OutputContainer:
        return av.open(str(self._path.absolute()), "w", self._container)

    def _coding(self) -> tuple[str, str, dict[str, str]]:
        """Encoder, pixel format and options."""
        codec, layout, options = (TRANSPARENT if self._transparent else OPAQUE).get(self._container, H264)
        return codec, layout, options | (STEADY if codec == "libx264" and has("avx512f") else {})

    def _add_pictures(self, height: int, width: int) -> None:
        assert self._file is not None
        codec, layout, options = self._coding()
        if self.encoded is not None:
            self._encoder = self._file.add_stream_from_template(self.encoded)
            self._encoder.codec_context.framerate = self._rate
        else:
            self._encoder = self._file.add_stream(codec, rate=self._rate, options=dict(options))
            self._encoder.height, self._encoder.width, self._encoder.pix_fmt = height, width, layout
            context: Any = self._encoder.codec_context
            context.colorspace = context.color_primaries = context.color_trc = BT709
            context.time_base = self._time_base
        if self._transparent and codec == "libvpx-vp9":
            self._encoder.metadata["alpha_mode"] = "1"

    def _track(self, stream: Any) -> Track | None:
        """The output for a stream of the source, copied or encoded again; None if the container cannot hold it."""
        assert self._file is not None
        if stream.codec_context is None:
            return None
        name = stream.codec_context.name
        target: Any = None
        copied = stream.type == "subtitle" or name in SOUNDS.get(self._container, (name,))
        if copied:
            try:
                target = self._file.add_stream_from_template(stream)
            except ValueError:  # the container does not hold it, as MP4 not the WMA of a .wmv
                copied = False
        if target is None and stream.type == "subtitle" and name in TEXTS:
            target = self._file.add_stream(TEXT_ENCODERS[self._container])
            stream.codec_context.open(strict=False)
            target.codec_context.subtitle_header = stream.codec_context.subtitle_header
        elif target is None and stream.type == "audio" and stream.rate and stream.channels:
            encoder = SOUND_ENCODERS.get(self._container, "aac")
            target = self._file.add_stream(encoder, rate=OPUS_RATE if encoder == "libopus" else stream.rate)
        if target is None:
            return None
        tags = {k: v for k, v in stream.metadata.items() if k.lower().split("-")[0] not in TECHNICAL}
        target.metadata.update(tags if self.titled else {k: v for k, v in tags.items() if k == "language"})
        target.disposition = stream.disposition
        return Track(stream, target, copied)


class PartFile(VideoFile):
    """The pictures of one part of a video, to be joined with others later; they may begin at any time."""

    def _opened(self) -> av.container.OutputContainer:
        if self._coding()[0] == "libvpx-vp9":  # only Matroska holds its transparency; both count milliseconds
            return av.open(str(self._path.absolute()), "w", "matroska")
        exact = {"movie_timescale": str(self._time_base.denominator)}  # for the start time; by default milliseconds
        return av.open(str(self._path.absolute()), "w", "mov", container_options=exact)


def _label(stream: Any) -> str:
    what = "the sound" if stream.type == "audio" else "subtitles"
    language = stream.metadata.get("language", "und")
    return what if language == "und" else f"{what} ({language})"
