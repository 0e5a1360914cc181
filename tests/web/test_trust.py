"""What the page's server and a bundle give away, to whom, and at what cost."""

import concurrent.futures
import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from browsing import serving, some_engine
from mobile_style.errors import CheckpointError
from mobile_style.exporting.android_bundle import find_exports
from mobile_style.network.catalog import BUNDLED, model_path
from mobile_style.web import connection
from mobile_style.web.bundle import bundle_web
from mobile_style.web.models import find_models
from mobile_style.web.site import build_site, resource

SECRET = b"a secret of this machine"


@pytest.fixture(scope="module", autouse=True)
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with some_engine(tmp_path_factory.mktemp("litertjs")):
        yield


def put(folder: Path, bundled: str = "udnie", /, **changes: object) -> Path:
    """A bundled style's int8 export, with changes to its card."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(BUNDLED / bundled / "int8.tflite", folder / "model.tflite")
    card = json.loads((BUNDLED / bundled / "int8.json").read_text()) | changes
    (folder / "model.json").write_text(json.dumps(card))
    return folder / "model.tflite"


def ask(url: str, path: str, host: str | None = None) -> tuple[int, bytes]:
    place = urlsplit(url)
    with contextlib.closing(http.client.HTTPConnection(place.hostname, place.port, timeout=60)) as asking:
        asking.request("GET", path, headers={"Host": host} if host else {})
        answer = asking.getresponse()
        return answer.status, answer.read()


def links_out(folder: Path, outside: Path) -> None:
    put(outside)
    folder.mkdir()
    for name in ("model.tflite", "model.json"):
        (folder / name).symlink_to(outside / name)


def card_links_out(folder: Path, outside: Path) -> None:
    put(outside)
    put(folder)
    (folder / "model.json").unlink()
    (folder / "model.json").symlink_to(outside / "model.json")


def links_nowhere(folder: Path, outside: Path) -> None:
    folder.mkdir()
    (folder / "model.tflite").symlink_to(outside / "gone")


def never_ends(folder: Path, outside: Path) -> None:
    folder.mkdir()
    os.mkfifo(folder / "model.tflite")


@pytest.mark.parametrize("damage", [links_out, card_links_out, links_nowhere, never_ends])
def test_what_leads_out_of_the_folder_is_left_out(tmp_path: Path, damage: Callable[[Path, Path], None]) -> None:
    served = tmp_path / "served"
    put(served / "good", "great_wave")
    damage(served / "bad", tmp_path / "outside")
    models, left_out = find_models([served])
    assert [model.card["name"] for model in models] == ["great_wave"]
    assert len(left_out) == 1 and "served/bad/model." in left_out[0]
    link = tmp_path / "link.tflite"
    link.symlink_to(put(tmp_path / "named"))
    assert find_models([link])[0][0].path == tmp_path / "named" / "model.tflite"  # who names a link means it


@pytest.mark.slow
def test_thumbnails_are_painted_here_and_all_show_one_photo(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(SECRET)
    for style in ("udnie", "great_wave"):
        put(tmp_path / "served" / style, style)
        (tmp_path / "served" / style / "thumbnail.jpg").symlink_to(tmp_path / "secret")
    out = bundle_web([str(tmp_path / "served")], tmp_path / "site").parent
    assert not [path for path in out.rglob("*") if path.is_file() and SECRET in path.read_bytes()]
    grays = []
    for number in (0, 1):
        with Image.open(out / f"models/{number}/thumbnail.jpg") as image:
            assert (image.size, image.format) == ((192, 192), "JPEG")
            grays.append(np.asarray(image.convert("L"), float).ravel())
    assert np.corrcoef(grays)[0, 1] > 0.5


@pytest.mark.parametrize("target", ["other", "/dev/zero"])
def test_a_model_that_is_replaced_by_a_link_is_not_served(tmp_path: Path, target: str) -> None:
    path = put(tmp_path / "served")
    (tmp_path / "other").write_bytes(SECRET)
    site, _ = build_site([tmp_path / "served"])
    path.unlink()
    path.symlink_to(tmp_path / target)
    with serving(site) as url:
        for address in ("/models/0/0.tflite", "/models/0/0.rgb", "/models/0/thumbnail.jpg"):
            status, body = ask(url, address)
            assert status == 500 and b"changed" in body and str(tmp_path).encode() not in body
    with pytest.raises(CheckpointError, match="start again"):
        site["models/0/0.tflite"].content()


def test_a_model_that_is_overwritten_is_not_served(tmp_path: Path) -> None:
    path = put(tmp_path / "served")
    with serving(build_site([tmp_path / "served"])[0]) as url:
        before = path.read_bytes()
        assert ask(url, "/models/0/0.tflite") == (200, before)
        shutil.copy(BUNDLED / "great_wave" / "int8.tflite", path)
        end = time.monotonic() + 30  # what is still being sent is shared: for a moment others get the same
        while (answer := ask(url, "/models/0/0.tflite")) == (200, before) and time.monotonic() < end:
            time.sleep(0.05)
        assert answer[0] == 500


def test_answers_hold_no_paths_of_this_machine(tmp_path: Path) -> None:
    put(tmp_path / "served", style=str(tmp_path / "home" / "painting.jpg"))
    put(tmp_path / "served" / "windows", "great_wave", style=r"C:\Users\me\wave.jpg")
    site, _ = build_site([tmp_path / "served"])
    about = site["site.json"].content().decode()
    assert str(tmp_path) not in about and "Users" not in about
    assert sorted(style["painting"] for style in json.loads(about)["styles"]) == ["painting.jpg", "wave.jpg"]


@pytest.mark.parametrize(
    ("listening", "given", "status"),
    [
        ("127.0.0.1", "localhost:8000", 200),
        ("127.0.0.1", "LOCALHOST", 200),
        ("127.0.0.1", socket.gethostname(), 200),
        ("127.0.0.1", "evil.example", 421),
        ("127.0.0.1", "localhost.evil.example", 421),
        ("127.0.0.1", "localhost#.evil.example", 421),
        ("127.0.0.1", "localhost/evil.example", 421),
        ("127.0.0.1", "evil.example@localhost", 421),
        ("127.0.0.1", "203.0.113.9", 421),
        ("127.0.0.1", "[::1", 421),
        ("127.0.0.1", "user@evil.example:80", 421),
        ("0.0.0.0", "192.168.1.20:8000", 200),  # as it is called behind a router
        ("0.0.0.0", "evil.example", 421),
        ("studio.lan", "studio.lan", 200),
    ],
)
def test_only_its_own_names_are_answered(listening: str, given: str, status: int) -> None:
    with serving({"index.html": resource("index.html", lambda: b"page")}, host=listening) as url:
        assert ask(url, "/", given)[0] == status
        assert ask(url, "/")[0] == 200  # by the address that the connection came to


@pytest.mark.slow
def test_connections_on_which_nothing_happens_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "IDLE", 2.0)
    site = {"large": resource("large", lambda: bytes(64 << 20))}
    with serving(site) as url:
        place = urlsplit(url)
        address = (place.hostname, place.port)
        for sent in (b"", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Never-Ends: "):
            with socket.create_connection(address) as idle:
                idle.sendall(sent)
                idle.settimeout(120)
                with contextlib.suppress(ConnectionResetError):
                    assert idle.recv(1000) == b""
        with socket.create_connection(address) as reader:
            reader.sendall(b"GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            time.sleep(8)  # it takes nothing meanwhile
            got = 0
            with contextlib.suppress(ConnectionResetError):
                while part := reader.recv(1 << 20):
                    got += len(part)
            assert got < 64 << 20
        with socket.create_connection(address) as slow:  # and one that takes it slowly is served
            slow.sendall(b"GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            got = 0
            while part := slow.recv(1 << 20):
                if got < 3 << 20:
                    time.sleep(0.2)
                got += len(part)
            assert got > 64 << 20


def resident() -> int:
    """Bytes of this process."""
    return int(re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) << 10


def peak() -> int:
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) << 10


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells the peak of its memory")
def test_two_hundred_requests_share_one_copy() -> None:
    reads: list[int] = []

    def read() -> bytes:
        reads.append(1)
        return bytes(16 << 20)

    def reader(address: tuple[str, int]) -> int:
        """Asks for all of it, and reads when everyone has asked."""
        with socket.create_connection(address) as asking:
            asking.sendall(b"GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            time.sleep(3)
            got = 0
            while part := asking.recv(1 << 16):
                got += len(part)
        return got

    with serving({"large": resource("large", read)}) as url:
        place = urlsplit(url)
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before = resident()
        with concurrent.futures.ThreadPoolExecutor(200) as pool:
            sizes = list(pool.map(reader, [(place.hostname, place.port)] * 200))
        assert min(sizes) > 16 << 20 and len(reads) < 20
        assert peak() - before < 300 << 20  # 200 copies would be 3.1 GB


def test_one_rule_for_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder or file that is here comes before the bundled style of its name, for every command."""
    monkeypatch.chdir(tmp_path)
    assert find_exports("udnie") == [BUNDLED / "udnie" / "int8.tflite"]
    Path("udnie").mkdir()  # which holds nothing
    assert find_exports("udnie") == [BUNDLED / "udnie" / "int8.tflite"]
    assert model_path("udnie") == BUNDLED / "udnie" / "model.safetensors"
    put(Path("udnie"), "great_wave")
    assert find_exports("udnie") == [Path("udnie/model.tflite")]
    about = json.loads((bundle_web(["udnie"], Path("site")).parent / "site.json").read_text())
    assert [style["title"] for style in about["styles"]] == ["Great Wave"]
    shutil.copy(BUNDLED / "great_wave" / "model.safetensors", "udnie")
    assert model_path("udnie") == Path("udnie/model.safetensors")
