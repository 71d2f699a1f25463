"""The service and a watched folder side by side for long, on good and bad inputs: nothing is lost, nothing grows.

python -m tests.soak --run BUNDLE [--minutes 30] [--clients 3] [--files_per_s 2] [--seed 0]

At the end every file has exactly one record or one listed error, every request exactly one answer and one line in the
log of decisions, both processes have ended with 0 and without a traceback, and the median of their memory (RSS) over
the last third of the time is at most 1.1 times that over the first third. Exit status 1 where something of this fails.
"""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO

import httpx
import numpy as np
from PIL import Image

GROWTH = 1.1
MAX_BYTES = 4_000_000
_SIZES = ((224, 224), (267, 275), (120, 400), (64, 64))
_PAUSE_S = 1.0  # of a slow writer; the watcher gives up on a file after five
_WARM = 40
_REST_S = 60.0  # that the last files may take
# kind, how often of 100, whether it is an image that can be read
KINDS = (
    ("png", 40, True),
    ("jpeg", 10, True),
    ("16 bits", 8, True),
    ("slow", 8, True),
    ("truncated", 10, False),
    ("empty", 6, False),
    ("text", 8, False),
    ("too many pixels", 6, False),
    ("huge", 4, False),
)
GOOD = {kind for kind, _, is_good in KINDS if is_good}


@dataclass
class Tally:
    """What was sent and what came back, by threads.

    Attributes:
        files: kind of each file put into the folder, by name.
        answers: (kind, status) of each request.
        seconds: that each answer with a decision took.
        faults: what was wrong on the way.
        rss: memory in MB over time, by process.
    """

    files: dict[str, str] = field(default_factory=dict)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    rss: dict[str, list[float]] = field(default_factory=dict)


def some_input(rng: random.Random) -> tuple[str, bytes]:
    """A kind and a file of it."""
    (kind,) = rng.choices([one[0] for one in KINDS], [one[1] for one in KINDS])
    if kind in ("empty", "text", "huge"):
        return kind, {"empty": b"", "text": b"no image\n" * 50, "huge": bytes(MAX_BYTES + 1)}[kind]
    height, width = rng.choice(_SIZES)
    deep = kind == "16 bits"
    pixels = np.random.default_rng(rng.randrange(1 << 30)).integers(0, 65536 if deep else 256, (height, width))
    out = BytesIO()
    image = Image.fromarray(pixels.astype(np.uint16 if deep else np.uint8))
    image.save(out, "JPEG" if kind == "jpeg" else "PNG")
    content = out.getvalue()
    if kind == "truncated":
        content = content[: len(content) // 2]
    if kind == "too many pixels":  # the header alone says so; its checksum is then wrong, which comes to the same
        content = content[:16] + (50_000).to_bytes(4, "big") * 2 + content[24:]
    return kind, content


def put_files(folder: Path, rate: float, rng: random.Random, tally: Tally, ended: threading.Event) -> None:
    """Write files directly, under other names first, from elsewhere, and slowly."""
    outside = folder.with_name("outside")
    outside.mkdir()
    number = 0
    while not ended.wait(rng.expovariate(rate)):
        number += 1
        kind, content = some_input(rng)
        name = f"lot {number % 3}/ä{number:06d}.png" if number % 5 == 0 else f"{number:06d}.png"
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        tally.files[name] = kind
        way = "pieces" if kind == "slow" else rng.choice(("at once", "hidden first", "from outside"))
        if way == "pieces":
            threading.Thread(target=_in_pieces, args=(path, content)).start()
        elif way == "at once":
            path.write_bytes(content)
        else:
            first = path.with_name(f".{path.name}") if way == "hidden first" else outside / path.name
            first.write_bytes(content)
            first.rename(path)


def _pieces(content: bytes) -> Iterator[bytes]:
    third = len(content) // 3 + 1
    for start in range(0, len(content), third):
        if start:
            time.sleep(_PAUSE_S)
        yield content[start : start + third]


def _in_pieces(path: Path, content: bytes) -> None:
    with path.open("wb", buffering=0) as file:
        for piece in _pieces(content):
            file.write(piece)


def post(address: str, rng: random.Random, tally: Tally, ended: threading.Event) -> None:
    """Send one image after the other, as a body, in a form, and slowly."""
    with httpx.Client(base_url=address, timeout=60) as client:
        while not ended.is_set():
            kind, content = some_input(rng)
            begun = time.monotonic()
            try:
                if kind == "slow":
                    headers = {"Content-Type": "image/png"}
                    response = client.post("/predict", content=_pieces(content), headers=headers)
                else:
                    response = client.post("/predict", files={"file": ("ä.png", content, "image/png")})
            except httpx.HTTPError as error:
                tally.faults.append(f"a request ({kind}) without an answer: {error!r}")
                continue
            tally.answers[kind, response.status_code] += 1
            if response.status_code == 200 and kind != "slow":
                tally.seconds.append(time.monotonic() - begun)
            ended.wait(rng.random() * 0.2)


def warm_up(address: str, folder: Path, rng: random.Random, tally: Tally) -> None:
    """Many images at once, so that both have seen their largest batches before memory is measured."""
    inputs = [one for one in (some_input(rng) for _ in range(200)) if one[0] == "png"][:_WARM]
    for number, (kind, content) in enumerate(inputs):
        tally.files[f"first {number}.png"] = kind
        (folder / f"first {number}.png").write_bytes(content)
    with ThreadPoolExecutor(len(inputs)) as threads:
        sent = [threads.submit(httpx.post, f"{address}/predict", files={"file": one[1]}, timeout=60) for one in inputs]
    tally.answers.update(("png", one.result().status_code) for one in sent)


def lines_of(path: Path) -> list[dict]:
    """The lines of a file of ours, but the first."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[1:]]


def tidy(folder: Path, out: Path, ended: threading.Event) -> None:
    """Remove files that are done, as whoever fetches the results does; the folder stays small."""
    while not ended.wait(10):
        for line in lines_of(out) + lines_of(out.with_suffix(".errors.jsonl")):
            path = folder / line["file_name"]
            if path.exists() and time.time() - path.stat().st_mtime > 20:
                path.unlink()


def rss_mb(process: subprocess.Popen) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def started(words: Sequence[str], log: IO[bytes], out: int | IO[bytes]) -> subprocess.Popen:
    """A command of ours as a process with one thread."""
    environment = {"OMP_NUM_THREADS": "1", **os.environ}
    return subprocess.Popen([sys.executable, "-m", *words], stdout=out, stderr=log, env=environment)


def soak(run: str, minutes: float, clients: int, rate: float, seed: int, place: Path) -> Tally:
    """Let both run in a folder; what is wrong stands in `faults`."""
    tally, ended = Tally(), threading.Event()
    folder, out, decisions = place / "in", place / "watched.jsonl", place / "decisions.jsonl"
    folder.mkdir()
    with (place / "serve.err").open("wb") as serve_err, (place / "watch.err").open("wb") as watch_err:
        serve_words = ["detect.serve", "--run", run, "--port", "0", "--log", str(decisions)]
        serving = started([*serve_words, "--max_bytes", str(MAX_BYTES)], serve_err, subprocess.PIPE)
        watch_words = ["detect.predict", "--run", run, "--watch", str(folder), "--out", str(out)]
        watching = started(watch_words, watch_err, watch_err)
        processes = {"detect.serve": serving, "detect.predict --watch": watching}
        assert serving.stdout is not None
        address = serving.stdout.readline().decode().strip()
        threads = [
            threading.Thread(target=put_files, args=(folder, rate, random.Random(seed), tally, ended)),
            threading.Thread(target=tidy, args=(folder, out, ended)),
            *(
                threading.Thread(target=post, args=(address, random.Random(seed + 1 + i), tally, ended))
                for i in range(clients)
            ),
        ]
        warm_up(address, folder, random.Random(seed), tally)
        for thread in threads:
            thread.start()
        end = time.monotonic() + 60 * minutes
        while time.monotonic() < end and all(process.poll() is None for process in processes.values()):
            time.sleep(1)
            for name, process in processes.items():
                tally.rss.setdefault(name, []).append(rss_mb(process))
        ended.set()
        for thread in threads:
            thread.join()
        _wait_for_rest(out, tally)
        for name, process in processes.items():
            process.send_signal(signal.SIGTERM)
            if process.wait(60) != 0:
                tally.faults.append(f"{name}: exit status {process.returncode}")
    for name in ("serve.err", "watch.err"):
        if b"Traceback" in (place / name).read_bytes():
            tally.faults.append(f"{place / name}: a traceback")
    check(out, decisions, tally)
    return tally


def _wait_for_rest(out: Path, tally: Tally) -> None:
    end = time.monotonic() + _REST_S
    while time.monotonic() < end:
        if len(lines_of(out)) + len(lines_of(out.with_suffix(".errors.jsonl"))) >= len(tally.files):
            return
        time.sleep(1)


def check(out: Path, decisions: Path, tally: Tally) -> None:
    """Add to `faults` what the files of both show."""
    records = Counter(line["file_name"] for line in lines_of(out))
    errors = Counter(line["file_name"] for line in lines_of(out.with_suffix(".errors.jsonl")))
    for name, kind in tally.files.items():
        given = (records[name], errors[name])
        if given != ((1, 0) if kind in GOOD else (0, 1)):
            tally.faults.append(f"{name} ({kind}): {given[0]} records and {given[1]} errors")
    tally.faults += [f"{name}: nobody has put it there" for name in (records | errors) if name not in tally.files]
    expected = {**dict.fromkeys(GOOD, 200), "huge": 413}
    for (kind, status), count in tally.answers.items():
        if status not in (expected.get(kind, 422), 429):
            tally.faults.append(f"{count} requests ({kind}) were answered with {status}")
    logged = Counter(line["status"] for line in lines_of(decisions))
    answered: Counter[int] = Counter()
    for (_, status), count in tally.answers.items():
        answered[status] += count
    if logged != answered:
        tally.faults.append(f"statuses in the log {dict(logged)}, of the answers {dict(answered)}")
    for name, values in tally.rss.items():
        first, last = thirds(values)
        if not last <= GROWTH * first:
            tally.faults.append(f"{name}: memory grew from {first:.0f} to {last:.0f} MB")


def thirds(values: Sequence[float]) -> tuple[float, float]:
    """Medians of the first and the last third."""
    third = max(len(values) // 3, 1)
    return statistics.median(values[:third]), statistics.median(values[-third:])


def table_of(tally: Tally) -> str:
    """The figures in words."""
    rows = [f"{'kind':<16} {'files':>8} {'requests':>9}  answers"]
    for kind, _, _ in KINDS:
        answers = {status: count for (of, status), count in sorted(tally.answers.items()) if of == kind}
        files = sum(of == kind for of in tally.files.values())
        said = ", ".join(f"{status}: {count}" for status, count in answers.items())
        rows.append(f"{kind:<16} {files:>8} {sum(answers.values()):>9}  {said}")
    for name, values in tally.rss.items():
        parts = [statistics.median(part) for part in np.array_split(values, 10) if len(part)]
        rows.append(f"{name:<24} memory over the time, MB: {' '.join(f'{part:.0f}' for part in parts)}")
    if len(tally.seconds) > 1:
        cuts = statistics.quantiles(tally.seconds, n=100)
        rows.append(f"an answer takes {cuts[49]:.2f} s (median), {cuts[98]:.2f} s (99 %)")
    return "\n".join(rows)


def main() -> int:
    """Run it; returns the exit status."""
    parser = argparse.ArgumentParser(prog="tests.soak", description="The service and a watched folder for long.")
    parser.add_argument("--run", required=True, help="a finished run or a bundle")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--clients", type=int, default=3, help="that send requests at once")
    parser.add_argument("--files_per_s", type=float, default=2.0, help="that come into the folder")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as place:
        tally = soak(given.run, given.minutes, given.clients, given.files_per_s, given.seed, Path(place))
    print(table_of(tally))
    for fault in tally.faults[:20]:
        print(f"WRONG: {fault}")
    print(f"{len(tally.faults)} things are wrong" if tally.faults else "nothing is lost, nothing grows")
    return 1 if tally.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
