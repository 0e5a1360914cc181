"""Setting up emulators and browsers changes nothing of the system unless root asks for it."""

import os
import shutil
import sys
from typing import Any

import pytest

from mobile_style.devices import arm64_setup
from mobile_style.errors import DeviceError


@pytest.mark.parametrize(
    ("user", "asked", "ci", "may"),
    [(0, False, "", False), (1000, True, "true", False), (0, True, "", True), (0, False, "true", True)],
)
def test_only_root_who_asks_installs_packages(
    monkeypatch: pytest.MonkeyPatch, user: int, asked: bool, ci: str, may: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(sys, "argv", ["setup", *(["--install"] if asked else [])])
    monkeypatch.setenv("CI", ci)
    assert arm64_setup.may_install() is may


def test_what_is_missing_is_named_and_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[Any] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(sys, "argv", ["setup"])
    monkeypatch.setenv("CI", "")
    monkeypatch.setattr(shutil, "which", {"apt-get": "apt-get", "dpkg-deb": "dpkg-deb"}.get)
    monkeypatch.setattr(arm64_setup, "run", lambda *arguments, **_: ran.append(arguments))
    with pytest.raises(DeviceError, match=r"qemu-user.* missing; as root: apt-get install qemu-user"):
        arm64_setup.setup()
    assert not ran
