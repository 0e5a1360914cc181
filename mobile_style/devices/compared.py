"""Devices that report no timings: their outputs are compared with those of this machine's CPU."""

from pathlib import Path
from typing import Protocol, TypeGuard

from ..inference.tflite_reader import Node
from .host import HostSession
from .protocol import Device


class ComparedDevice(Device, Protocol):
    """A device whose `reports_timings` is False.

    Attributes:
        method: what its figures mean, in words.
    """

    method: str

    def wanted(self, nodes: list[Node]) -> str:
        """What the output of a file with these operators must keep of the CPU's: a `wanted` of report.Emulated."""

    def start(self, path: Path, accelerator: str, threads: int) -> HostSession:
        """Loads an exported model to run it."""


def is_compared(device: Device) -> TypeGuard[ComparedDevice]:
    """Whether the device reports no timings."""
    return not device.reports_timings
