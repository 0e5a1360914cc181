"""Deinterlaces video frames."""

from collections.abc import Iterator

import av


def deinterlaced(frames: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    """Deinterlaces interlaced frames (ffmpeg's bwdif); other frames stay as they are."""
    graph: av.filter.Graph | None = None
    shape: tuple[int, int, str] | None = None
    for frame in frames:
        if graph is None and not frame.interlaced_frame:
            yield frame
            continue
        if graph is None or shape != (frame.width, frame.height, frame.format.name):
            yield from _drained(graph)
            shape = frame.width, frame.height, frame.format.name
            graph = av.filter.Graph()
            whole = graph.add("bwdif", "mode=send_frame:deint=interlaced")
            source = graph.add(
                "buffer",
                f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={frame.time_base}"
                f":pixel_aspect=1/1:colorspace={frame.colorspace}:range={frame.color_range}",
            )
            graph.link_nodes(source, whole, graph.add("buffersink")).configure()
        graph.push(frame)
        yield from _pulled(graph)
    yield from _drained(graph)


def _drained(graph: av.filter.Graph | None) -> Iterator[av.VideoFrame]:
    if graph is not None:
        graph.push(None)
        yield from _pulled(graph)


def _pulled(graph: av.filter.Graph) -> Iterator[av.VideoFrame]:
    while True:
        try:
            yield graph.vpull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
