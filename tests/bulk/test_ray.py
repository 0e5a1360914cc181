"""Bulk painting on a Ray cluster of two nodes, all on this machine."""

import json
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import av
import pytest

from mobile_style.bulk.run import Crew, bulk
from mobile_style.bulk.stores import RECORDS
from mobile_style.errors import UsageError
from mobile_style.painting.files import stylize_files
from video_files import write_long_video

MODEL = "udnie"

pytest.importorskip("ray", reason="the extra `ray` is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


NODE = {"num_cpus": 1, "object_store_memory": 100_000_000, "include_dashboard": False}


def frame_count(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch):
    import ray
    from ray.cluster_utils import Cluster

    for name in ("raylet_start_wait_time_s", "worker_register_timeout_seconds"):  # on a busy machine
        monkeypatch.setenv(f"RAY_{name}", "300")
    made = Cluster(initialize_head=True, head_node_args=NODE)
    yield made
    ray.shutdown()
    made.shutdown()


def test_a_node_is_killed_midway(photos: Path, tmp_path: Path, cluster: Any) -> None:
    node = cluster.add_node(**NODE)
    cluster.wait_for_nodes()
    count = 80
    for copy in range(count - 12):
        shutil.copy(photos / "1.png", photos / f"copy{copy}.png")
    write_long_video(photos / "long.mp4")  # painted in two parts
    target = tmp_path / "target"

    def kill() -> None:
        while len(list(target.glob("*.png"))) < 15:
            time.sleep(0.01)
        cluster.remove_node(node, allow_graceful=False)

    killer = threading.Thread(target=kill)
    killer.start()
    done = bulk(photos, target, MODEL, crew=Crew(ray=cluster.address))
    killer.join()
    assert (done.painted, done.before, done.failed) == (count + 1, 0, {})
    lines = [json.loads(line) for line in (target / RECORDS / "1-of-1" / "manifest.jsonl").read_text().splitlines()]
    painted = [line["name"] for line in lines if line.get("result") == "painted" and not line.get("part")]
    assert sorted(line["part"] for line in lines if line.get("part")) == [1, 2]
    sources = {path.relative_to(photos).as_posix() for path in photos.rglob("*.png")}
    assert len(painted) == count + 1 and set(painted) == {*sources, "long.mp4"}  # each once
    stylize_files([photos], MODEL, tmp_path / "one")
    for name in sources:
        path = tmp_path / "one" / name
        assert (target / name).read_bytes() == path.with_stem(f"{path.stem}-{MODEL}").read_bytes(), name
    assert frame_count(target / "long.mp4") == frame_count(photos / "long.mp4")
    assert bulk(photos, target, MODEL, crew=Crew(ray=cluster.address)).before == count + 1
    assert not list((target / RECORDS).rglob("parts/*"))


def test_a_cluster_that_is_not_there(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no Ray cluster at"):
        bulk(photos, tmp_path / "target", MODEL, crew=Crew(ray="127.0.0.1:1"))
