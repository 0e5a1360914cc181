"""Reads videos through PyAV: chooses the stream, and corrects times, orientation and colors."""

from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition
from av.video.reformatter import Colorspace, VideoReformatter
from av.video.stream import VideoStream

from ..errors import ImageError
from . import images
from .clip import Frame, Part
from .deinterlace import deinterlaced
from .video_end import Ending
from .video_time import Order, Timeline

# Code points of ITU-T H.273. HDR is the transfer functions PQ and HLG.
BT709, UNTOLD, BT2020, P3 = 1, 2, 9, (11, 12)
HDR = (16, 18)
SPLICED = frozenset({"mpegts", "mpeg", "asf", "ogg"})  # containers whose time may jump
CONVERTS_HDR = int(av.__version__.split(".")[0]) >= 18  # PyAV 17 only relabels the colors
MAX_ASPECT = 4  # of pixels
# ffmpeg's names of containers, and of bare streams. Only these: others may open files or addresses named in a file.
FORMATS = (
    "mov", "matroska", "avi", "mpegts", "mpeg", "mpegvideo", "asf", "ogg", "flv", "mxf", "dv", "ivf", "nut", "wtv",
    "rm", "h264", "hevc", "vvc", "m4v", "obu", "vc1", "mjpeg", "gif", "apng",
)  # fmt: skip
OPTIONS = {"format_whitelist": ",".join(FORMATS), "protocol_whitelist": "file"}
MARKING = (
    "mpeg4",
    "msmpeg4",
    "flv",
    "h263",
    "wmv",
)  # with one thread per frame, these decoders do not always mark damage
ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # ffmpeg's own ignore the transparency


class Video:
    """A video that is open for reading; a `Clip`."""

    def __init__(self, container: av.container.InputContainer, name: str):
        self.container = container
        self.name = name
        self.remarks: list[str] = []
        self.pictures = _main_stream(container.streams.video, name)
        self.others = [stream for stream in container.streams if stream.type in ("audio", "subtitle")]
        self.start = Fraction(container.start_time or 0, 1_000_000)
        rates = (self.pictures.average_rate, self.pictures.guessed_rate, self.pictures.base_rate)
        self.rate = next((rate for rate in rates if rate and 1 <= rate <= 1000), Fraction(25))
        self.time_base = self.pictures.time_base or 1 / self.rate
        self.seconds = (self.pictures.duration or 0) * self.time_base or Fraction(container.duration or 0, 1_000_000)
        self.count = self.pictures.frames or round(self.seconds * self.rate)
        self.spliced = bool(SPLICED & set(container.format.name.split(",")))
        self.jumps = 0
        self._decoder: Any = self.pictures.codec_context
        # Replaces the decoder of transparency on an error, as long as that has returned no frame.
        self._plain: Any = None
        self._held: list[Any] = []  # the packets so far, for `_plain`
        layout = self._decoder.format
        self.transparent = layout is not None and any(component.is_alpha for component in layout.components)
        tags = {key.lower(): value for key, value in self.pictures.metadata.items()}
        if tags.get("alpha_mode") == "1" and self._decoder.name in ALPHA_DECODERS:
            self._decoder = av.CodecContext.create(ALPHA_DECODERS[self._decoder.name], "r")
            self.transparent = True
            self._plain = self.pictures.codec_context
            self._plain.thread_type = "AUTO"
        marks = self._decoder.name.startswith(MARKING)
        self._decoder.thread_type = "SLICE" if marks else "AUTO"  # frames are decoded while others are painted
        self._reformatter = VideoReformatter()  # shared: for HDR, its setup takes two seconds
        if _is_wide(self._decoder) and not CONVERTS_HDR:
            self.remarks.append("its HDR colors look pale: converting them needs PyAV 18, and so Python 3.11")
        self.on_packet: Callable[[Any], None] = lambda packet: None

    def left_out(self) -> None:
        """Adds remarks on the streams that no output can hold."""
        kinds = Counter(_kind(stream) for stream in self.container.streams if stream is not self.pictures)
        kinds["a data stream"] -= bool(chapters(self.container))  # a data stream in MP4, and kept
        for kind in ("a cover picture", "a further picture stream", "a data stream", "an attached file"):
            if kinds[kind] > 0:
                self.remarks.append(f"left out: {kind}" + (f" ({kinds[kind]} times)" if kinds[kind] > 1 else ""))

    def frames(self, part: Part | None = None) -> Iterator[Frame]:
        """The frames of the main stream, or of one part of it.

        Packets of sound and subtitles go to `on_packet` on the way, unless only a part is read.

        Raises:
            ImageError: no frame can be decoded, or the file has changed since `part` was chosen.
        """
        order = Order(1 / self.rate)
        found = False
        for frame, time, duration in order.times(deinterlaced(self._decoded(part))):
            ticks = round(time / self.time_base)
            if part is not None and part.end is not None and ticks >= part.end:
                break
            if part is None or part.holds(ticks):
                found = True
                pixels, alpha = self._upright(frame)
                yield Frame(pixels, alpha, time, duration)
        if not found:
            raise ImageError(f"{self.name} has no frame that can be decoded")
        if order.made:
            self.remarks.append(
                f"time stamps of {order.made} frames were missing or out of order, and were sorted or made anew"
            )

    def _decoded(self, part: Part | None) -> Iterator[av.VideoFrame]:
        damaged = broken = 0
        for packet in chain(self.packets() if part is None else self._packets_of(part), (None,)):
            if packet is not None and packet.stream.index != self.pictures.index:
                self.on_packet(packet)
                continue
            try:
                frames = self._frames_of(packet)
            except av.error.EOFError:  # all frames were returned before
                continue
            except av.error.MemoryError:
                raise
            except av.error.FFmpegError:  # on damaged packets, decoders may raise anything
                time = None if packet is None else packet.pts
                damaged += part is None or time is None or part.holds(time)
                continue
            for frame in frames:
                broken += frame.is_corrupt and (part is None or frame.pts is None or part.holds(frame.pts))
                yield frame
        if damaged:
            self.remarks.append(f"left out: {damaged} damaged packets of the picture")
        if broken:
            self.remarks.append(f"damaged: {broken} frames")

    def _frames_of(self, packet: Any) -> list[av.VideoFrame]:
        """The frames that the decoder returns for a packet; None flushes it at the end.

        Raises:
            av.error.FFmpegError: the packet is damaged.
        """
        if self._plain is None:
            frames: list[av.VideoFrame] = self._decoder.decode(packet)
            return frames
        self._held.append(packet)
        try:
            frames = self._decoder.decode(packet)
        except av.error.EOFError:
            raise
        except av.error.FFmpegError:
            self.remarks.append("left out: its transparency, which is damaged")
            self._decoder, self._plain = self._plain, None
            frames = [frame for held in self._held for frame in self._decoder.decode(held)]
        if frames or self._plain is None:
            self._plain, self._held = None, []
        return frames

    def packets(self, others: bool = True) -> Iterator[Any]:
        """The packets of the main stream and, with `others`, of sound and subtitles, with corrected times."""
        streams = [self.pictures, *(self.others if others else ())]
        timelines = {s.index: Timeline(s.type, self.start, self.spliced) for s in streams if s.type != "subtitle"}
        pictures, ending = timelines[self.pictures.index], Ending(self.container, self.pictures, 1 / self.rate)
        for packet in self.container.demux(streams):
            ending.see(packet)
            if packet.stream.type == "subtitle":  # gaps of an hour are normal
                Timeline.follow(packet, pictures.shift)
            else:
                timelines[packet.stream.index].move(packet)
            yield packet
        self.jumps = pictures.jumps
        if others:
            self.remarks += ending.remarks()
        if pictures.jumps:
            self.remarks.append(f"the time stamps jumped {pictures.jumps} times; the gaps were closed")

    def _packets_of(self, part: Part) -> Iterator[Any]:
        """The packets of the main stream from the key frame on at which a part's decoding begins.

        Raises:
            ImageError: that key frame is not found.
        """
        if part.lead is not None:
            self.container.seek(part.seek, stream=self.pictures)
        found = part.lead is None
        for packet in self.packets(others=False):
            found = found or packet.pts == part.lead
            if found:
                yield packet
        if not found:
            raise ImageError(f"{self.name} has changed while it was read")

    def _upright(self, frame: av.VideoFrame) -> tuple[np.ndarray, np.ndarray | None]:
        """RGB (BT.709) and alpha of a frame in square pixels, rotated by the frame's display matrix.

        Large frames of unspecified colors are taken for BT.709, as players do.
        """
        unspecified = frame.colorspace == UNTOLD and (frame.width >= 1280 or frame.height > 576)
        wide = _is_wide(frame)
        picture = self._reformatter.reformat(
            frame,
            format="rgba" if self.transparent else "rgb24",
            src_colorspace=Colorspace.ITU709 if unspecified else None,
            dst_color_primaries=BT709 if wide else None,
            dst_color_trc=BT709 if wide else None,
        ).to_ndarray()
        height, width = picture.shape[:2]
        aspect = self.pictures.sample_aspect_ratio or 1
        if Fraction(1, MAX_ASPECT) <= aspect <= MAX_ASPECT:  # others are errors
            width = max(1, round(width * aspect))
        pixels = turned(images.resized(np.ascontiguousarray(picture[..., :3]), height, width), _matrix(frame))
        if not self.transparent:
            return pixels, None
        return pixels, turned(images.resized(np.ascontiguousarray(picture[..., 3]), height, width), _matrix(frame))


def opened(source: Path) -> av.container.InputContainer:
    """Opens a video, by its absolute path: otherwise ffmpeg takes what precedes a colon for a protocol.

    Raises:
        ImageError: its format is none of `FORMATS`.
        av.FFmpegError: it cannot be opened.
    """
    path = str(source.absolute())
    try:
        return av.open(path, options=OPTIONS, metadata_errors="replace")  # titles of old files are in any encoding
    except TypeError:  # PyAV 19 replaces errors by itself
        return av.open(path, options=OPTIONS)
    except av.error.ArgumentError:
        raise ImageError(f"{source.name} is no video of a kind that is read; save it as MP4") from None


def chapters(container: av.container.InputContainer) -> list[Any]:
    """The video's chapters; empty if their names are not in UTF-8."""
    try:
        return list(container.chapters())
    except UnicodeDecodeError:
        return []


def _main_stream(streams: tuple[VideoStream, ...], name: str) -> VideoStream:
    """The stream that ffmpeg would choose: no cover picture, preferably the default one, with the most pixels.

    Raises:
        ImageError: there is none.
    """
    moving = [s for s in streams if s.codec_context is not None and not s.disposition & Disposition.attached_pic]
    if not moving:
        raise ImageError(f"{name} has no picture in it")
    return max(moving, key=lambda s: s.width * s.height + 5_000_000 * bool(s.disposition & Disposition.default))


def _is_wide(colors: Any) -> bool:
    """Whether the colors of a frame, or of a stream, exceed BT.709."""
    return colors.color_primaries in (BT2020, *P3) or colors.color_trc in HDR


def _kind(stream: Any) -> str:
    if stream.type == "video":
        cover = stream.disposition & Disposition.attached_pic
        return "a cover picture" if cover else "a further picture stream"
    return {"data": "a data stream", "attachment": "an attached file"}.get(stream.type, "")


def _matrix(frame: Any) -> np.ndarray:
    """The 2 x 2 part [[a, b], [c, d]] of the frame's display matrix (ISO/IEC 14496-12, 6.2.2)."""
    try:
        found = [data for data in frame.side_data if data.type.name == "DISPLAYMATRIX"]
    except ValueError:  # other side data of a kind that PyAV does not know
        found = []
    if not found:
        quarter = round(frame.rotation / 90) % 4  # counterclockwise
        return np.array([[1, 0, 0, 1], [0, -1, 1, 0], [-1, 0, 0, -1], [0, 1, -1, 0]][quarter]).reshape(2, 2)
    return np.frombuffer(bytes(found[0]), np.int32)[[0, 1, 3, 4]].reshape(2, 2)


def turned(picture: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The picture in the one of eight orientations that is closest to x' = a x + c y, y' = b x + d y."""
    (a, b), (c, d) = matrix.tolist()
    if abs(a) + abs(d) >= abs(b) + abs(c):
        across, down = a, d
    else:
        picture, across, down = picture.swapaxes(0, 1), c, b
    return picture[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1]
