import contextlib
import gzip
import http.client
import json
import os
import shutil
import signal
import ssl
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from browsing import serving, some_engine
from conftest import command, environment
from mobile_style.errors import CheckpointError, UsageError
from mobile_style.network.catalog import BUNDLED, DEFAULT
from mobile_style.web import certificate, litertjs
from mobile_style.web.answers import HEADERS
from mobile_style.web.models import OPENING
from mobile_style.web.serve import listen, open_server, qr_code, reachable
from mobile_style.web.site import build_site


@pytest.fixture(scope="module", autouse=True)
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with some_engine(tmp_path_factory.mktemp("litertjs")):
        yield


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(build_site()[0]) as address:
        yield address


def get(url: str, path: str = "/", method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """The path is sent as it is."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
    with contextlib.closing(connection):
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()


def test_every_answer_isolates_the_page_and_shuts_others_out(url: str) -> None:
    for path in ("/", "/page.js", "/site.json", "/nothing"):
        _, headers, _ = get(url, path)
        assert {name.lower(): value for name, value in HEADERS.items()}.items() <= headers.items()
    assert "connect-src" not in HEADERS["Content-Security-Policy"]  # default-src 'self' holds
    assert HEADERS["Content-Security-Policy"].startswith("default-src 'self';")


@pytest.mark.parametrize(
    "path",
    [
        "/../pyproject.toml",
        "/../../../../../../etc/passwd",
        "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2f..%2f..%2fetc/passwd",
        "/models/0/../../../serve.py",
        "/models/0/..%5c..%5cserve.py",
        "//etc/passwd",
        "/%00",
        "/page.js%00.html",
        "/models/",
        "/models/0",
        "/engine/../../cli.py",
        "/file:///etc/passwd",
    ],
)
def test_nothing_else_can_be_read(url: str, path: str) -> None:
    status, _, body = get(url, path)
    assert status == 404 and body == b"not found"


def test_files_arrive_whole_or_are_known_already(url: str) -> None:
    about = json.loads(get(url, "/site.json")[2])
    file = next(f for f in about["styles"][0]["files"] if f["recipe"] == "int8")
    assert about["styles"][0]["title"] == "Great Wave" and about["offline"] is False
    status, headers, body = get(url, f"/{file['url']}")
    assert status == 200 and body == (BUNDLED / OPENING / "int8.tflite").read_bytes()
    assert get(url, f"/{file['url']}", if_none_match=headers["etag"])[::2] == (304, b"")
    name = "engine/litert_wasm_internal.wasm"
    _, packed_headers, packed = get(url, f"/{name}", accept_encoding="gzip")
    _, plain_headers, plain = get(url, f"/{name}", accept_encoding="identity")
    assert packed_headers["content-encoding"] == "gzip" and "content-encoding" not in plain_headers
    assert gzip.decompress(packed) == plain and packed_headers["etag"] != plain_headers["etag"]
    assert plain_headers["content-type"] == "application/wasm"
    assert get(url, "/page.js", "HEAD")[2] == b"" and get(url, "/page.js", "POST")[0] == 405


def test_a_model_that_goes_away_is_an_answer_not_a_crash(tmp_path: Path) -> None:
    shutil.copytree(BUNDLED / DEFAULT, tmp_path / "style")
    with serving(build_site([tmp_path])[0]) as address:
        shutil.rmtree(tmp_path / "style")
        assert get(address, "/models/0/0.tflite")[0] == 500
        assert get(address, "/")[0] == 200


def test_which_models_are_found(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no \.tflite models in"):
        build_site([tmp_path])
    with pytest.raises(CheckpointError, match="there is no exported model"):
        build_site([tmp_path / "gone.tflite"])
    for name, recipe in (("a", "int8"), ("b", "float16")):  # as `export` lays them
        (tmp_path / name).mkdir()
        shutil.copy(BUNDLED / "udnie" / f"{recipe}.tflite", tmp_path / name / "model.tflite")
        card = json.loads((BUNDLED / "udnie" / f"{recipe}.json").read_text())
        (tmp_path / name / "model.json").write_text(json.dumps(card))
    site, left_out = build_site([tmp_path])
    about = json.loads(site["site.json"].content())
    assert left_out == [] and len(about["styles"]) == 1
    assert {file["type"] for file in about["styles"][0]["files"]} == {"uint8", "float32"}
    assert site["models/0/thumbnail.jpg"].content().startswith(b"\xff\xd8")  # painted, as there is none beside it
    with pytest.raises(UsageError, match="is not a folder"):
        open_server(tmp_path / "gone")


def test_an_address_that_cannot_be_had_is_one_line() -> None:
    with contextlib.closing(listen("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"cannot listen on `host=127.0.0.1` `port={port}` \(.*in use"):
            listen("127.0.0.1", port)
    with pytest.raises(UsageError, match="must be from 0 to 65535"):
        listen("127.0.0.1", 70000)
    with pytest.raises(UsageError, match=r"`host=203\.0\.113\.9`"):
        listen("203.0.113.9", 0)
    with pytest.raises(UsageError, match="is not an address of this machine"):
        listen("no host", 0)
    assert reachable("127.0.0.1") == "127.0.0.1"


def test_models_of_a_folder_come_before_the_bundled_styles(tmp_path: Path) -> None:
    shutil.copy(BUNDLED / "udnie" / "int8.tflite", tmp_path / "own.tflite")
    card = json.loads((BUNDLED / "udnie" / "int8.json").read_text()) | {"name": "my_own"}
    (tmp_path / "own.json").write_text(json.dumps(card))
    serving = open_server(tmp_path, port=0)
    thread = threading.Thread(target=serving.run, daemon=True)  # until the tests end
    thread.start()
    titles = [style["title"] for style in json.loads(get(serving.url, "/site.json")[2])["styles"]]
    assert (
        titles[:2] == ["My Own", "Great Wave"]
        and "Udnie" in titles
        and len(titles) == len(list(BUNDLED.glob("*/int8.tflite"))) + 1
    )


def test_the_qr_code_is_square() -> None:
    lines = qr_code("https://192.168.1.20:8000/").splitlines()
    width = len(lines[0])
    assert all(len(line) == width for line in lines) and abs(width - 2 * len(lines)) <= 1


def test_the_certificate_is_kept_and_its_key_is_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate, "FOLDER", tmp_path / "made")
    key, chain = certificate.certificate("127.0.0.1")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    first = chain.read_bytes()
    assert certificate.certificate("127.0.0.1")[1].read_bytes() == first
    key.write_bytes(b"damaged")
    assert certificate.certificate("127.0.0.1")[1].read_bytes() != first


@pytest.mark.slow
def test_the_command_serves_over_https_until_ctrl_c(tmp_path: Path) -> None:
    arguments = command("serve", "--port", "0", "--https")
    cache = {"XDG_CACHE_HOME": str(tmp_path)}
    (tmp_path / "mobile-style").mkdir()
    (tmp_path / "mobile-style" / f"litertjs-{litertjs.VERSION}").symlink_to(litertjs.folder())
    process = subprocess.Popen(
        arguments, env=environment() | cache, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("https://127.0.0.1:"), process.stderr.read()
        place = urlsplit(address)
        trusted = ssl.create_default_context(cafile=tmp_path / "mobile-style" / "certificates" / "127.0.0.1.pem")
        end = time.monotonic() + 120
        while True:
            try:
                connection = http.client.HTTPSConnection(place.hostname, place.port, context=trusted, timeout=30)
                with contextlib.closing(connection):
                    connection.request("GET", "/")
                    assert b"Nothing is uploaded" in connection.getresponse().read()
                break
            except (TimeoutError, ConnectionError):
                assert time.monotonic() < end
        assert "Nothing is uploaded" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
        assert err == "" and process.returncode == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
