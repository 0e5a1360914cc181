"""Devices that report no timings: only their outputs are compared with those of this machine's CPU."""

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
        """How close the output of a file with these operators must be to the CPU's, as in `report.Emulated.wanted`."""

    def start(self, path: Path, accelerator: str, threads: int) -> HostSession:
        """Loads an exported model to run it."""


def is_compared(device: Device) -> TypeGuard[ComparedDevice]:
    """Whether the device reports no timings."""
    return not device.reports_timings
