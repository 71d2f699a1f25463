"""Prediction on a cluster of two nodes, of which one is lost in the middle, against one process alone.

python -m tests.benchmarks.ray_cluster RUN IMAGES

Both nodes are of this machine, each with a processor. Exit status 1 unless both files hold the same records.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def main() -> int:
    """Print how many records were there when the node was lost, and how far scores differ."""
    parser = argparse.ArgumentParser(prog="tests.benchmarks.ray_cluster")
    parser.add_argument("run", type=Path)
    parser.add_argument("images", type=Path)
    given = parser.parse_args()
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", OMP_NUM_THREADS="1")
    from ray.cluster_utils import Cluster

    with tempfile.TemporaryDirectory() as place:
        alone, spread = Path(place) / "alone.jsonl", Path(place) / "spread.jsonl"
        words = [sys.executable, "-m", "detect.predict", "--run", str(given.run), "--images", str(given.images)]
        subprocess.run([*words, "--out", str(alone)], check=True)
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        try:
            other = cluster.add_node(num_cpus=1)
            command = [*words, "--out", str(spread), "--engine", "ray"]
            process = subprocess.Popen(command, env={**os.environ, "RAY_ADDRESS": cluster.address})
            journal, wanted = spread.with_name(f"{spread.name}.partial"), len(_records(alone)) // 4
            while process.poll() is None and _lines(journal) < wanted:
                time.sleep(0.05)
            done = _lines(journal)
            cluster.remove_node(other, allow_graceful=False)
            status = process.wait()
        finally:
            cluster.shutdown()
        assert status == 0, f"status {status}"
        one, two = _records(alone), _records(spread)
    same = [record["file_name"] for record in one] == [record["file_name"] for record in two]
    furthest = max(abs(a["score"] - b["score"]) for a, b in zip(one, two, strict=True))
    print(f"{len(one)} images, a node lost after {done}; same in the same order: {same}; scores within {furthest:.1e}")
    return int(not same or furthest > 1e-5)


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()[1:]]


if __name__ == "__main__":
    raise SystemExit(main())
