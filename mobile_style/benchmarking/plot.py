"""Plots as SVG, for the page of a benchmark."""

import html
from collections.abc import Iterable, Sequence

import numpy as np

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 480, 320, 64, 16, 16, 52  # legible on a phone, too
COLORS = ("#3b6fb6", "#c7622f", "#3f8f5b", "#8b5aa8", "#b0893a", "#5a8f9c", "#a8456b", "#6b6b6b")


def around(values: Sequence[float], from_zero: bool = False) -> tuple[float, float]:
    """The range of an axis: that of the values, with a margin."""
    low, high = (0.0 if from_zero else min(values)), max(values)
    margin = 0.08 * (high - low) or 1.0
    return (0.0 if from_zero else low - margin), high + margin


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers from `low` to `high`."""
    rough = (high - low) / 5 or 1.0
    power = 10 ** np.floor(np.log10(rough))
    step = next(power * unit for unit in (1, 2, 5, 10) if power * unit >= rough)
    return [float(tick) for tick in np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step]


class Plot:
    """Axes with ranges `x` and `y`, which map data to pixels, and the curves drawn on them."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float], x_name: str, y_name: str) -> None:
        self.x_range, self.y_range, self.parts = x, y, []
        for tick in _ticks(*x):
            at = self.across(tick)
            self.parts.append(f'<path class="grid" d="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
            self.parts.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{tick:g}</text>')
        for tick in _ticks(*y):
            at = self.up(tick)
            self.parts.append(f'<path class="grid" d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}"/>')
            self.parts.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{tick:g}</text>')
        self.parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>')
        middle = (LEFT + WIDTH - RIGHT) / 2
        self.parts.append(f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{x_name}</text>')
        self.parts.append(
            f'<text transform="translate(16 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{y_name}</text>'
        )

    def across(self, value: float) -> float:
        """The x coordinate, in pixels, of a value."""
        low, high = self.x_range
        return LEFT + (value - low) / (high - low) * (WIDTH - RIGHT - LEFT)

    def up(self, value: float) -> float:
        """The y coordinate, in pixels, of a value."""
        low, high = self.y_range
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - BOTTOM - TOP)

    def line(self, points: Iterable[tuple[float, float]], color: str) -> None:
        """Draws a line through points (x, y), in the units of the data."""
        drawn = " ".join(f"{self.across(x):.1f},{self.up(y):.1f}" for x, y in points)
        self.parts.append(f'<polyline fill="none" stroke="{color}" stroke-width="1.5" points="{drawn}"/>')

    def svg(self, keys: Iterable[tuple[str, str]], title: str) -> str:
        """The plot as SVG, with a legend below it: (name, color) for each curve."""
        drawn = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">{"".join(self.parts)}</svg>'
        named = (f'<span><i style="background:{color}"></i>{html.escape(name)}</span>' for name, color in keys)
        return f'{drawn}<p class="key">{" ".join(named)}</p>'
