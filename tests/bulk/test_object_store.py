"""Bulk painting from and to an object store that speaks S3, by the network: moto's server."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import command
from mobile_style.bulk.run import Crew, bulk
from mobile_style.bulk.stores import RECORDS
from mobile_style.painting.files import stylize_files

pytest.importorskip("pyarrow", reason="the extra `cloud` is not installed")
pytest.importorskip("moto.server", reason="there is no `moto[server,s3]`")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

MODEL = "udnie"


class Bucket:
    def __init__(self, port: int) -> None:
        import boto3

        self.query = f"?scheme=http&endpoint_override=127.0.0.1:{port}&region=us-east-1"
        self.client: Any = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1")
        self.client.create_bucket(Bucket="pictures")

    def uri(self, folder: str) -> str:
        return f"s3://pictures/{folder}{self.query}"

    def put(self, folder: Path, prefix: str) -> None:
        for path in filter(Path.is_file, folder.rglob("*")):
            self.client.upload_file(str(path), "pictures", f"{prefix}/{path.relative_to(folder).as_posix()}")

    def files(self, prefix: str) -> dict[str, int]:
        found = self.client.list_objects_v2(Bucket="pictures", Prefix=prefix).get("Contents", [])
        return {entry["Key"].removeprefix(f"{prefix}/"): entry["Size"] for entry in found}

    def read(self, key: str) -> bytes:
        content: bytes = self.client.get_object(Bucket="pictures", Key=key)["Body"].read()
        return content


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    from moto.server import ThreadedMotoServer

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    yield Bucket(server.get_host_and_port()[1])
    server.stop()


def test_photos_are_those_of_stylize_and_painted_once(bucket: Bucket, photos: Path, tmp_path: Path) -> None:
    bucket.put(photos, "in")
    assert bulk(bucket.uri("in"), bucket.uri("out"), MODEL, crew=Crew(2)).painted == 12
    stylize_files([photos / "1.png"], MODEL, tmp_path / "1.png")
    assert bucket.read("out/1.png") == (tmp_path / "1.png").read_bytes()
    records = {name: size for name, size in bucket.files("out").items() if name.startswith(RECORDS)}
    assert records and all(records.values())  # each is a request
    shutil.copy(photos / "1.png", tmp_path / "new.png")
    bucket.client.upload_file(str(tmp_path / "new.png"), "pictures", "in/new.png")
    done = bulk(bucket.uri("in"), bucket.uri("out"), MODEL, crew=Crew(1))
    assert (done.painted, done.before) == (1, 12)


def test_a_killed_run_is_gone_on_with(bucket: Bucket, photos: Path, tmp_path: Path) -> None:
    bucket.put(photos, "from")
    run = command("bulk", bucket.uri("from"), bucket.uri("to"), "--model", MODEL, "--workers", 1)
    process = subprocess.Popen(run, env=os.environ | {"PYTHONWARNINGS": "ignore"}, start_new_session=True)
    while process.poll() is None and sum(not name.startswith(".") for name in bucket.files("to")) < 3:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = bulk(bucket.uri("from"), bucket.uri("to"), MODEL, crew=Crew(1))
    assert done.painted + done.before == 12
    results = [name for name in bucket.files("to") if not name.startswith(".")]
    assert len(results) == 12 and all(bucket.read(f"to/{name}") for name in results)
