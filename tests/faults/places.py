"""Places that fail: a small disk, a limit on the size of files, a folder that cannot be written to, two at once."""

import ctypes
import os
import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.faults.faulty import FULL, NO_FAULT, Fault, ended, run, start
from tests.faults.jobs import Job
from tests.faults.trials import Bench, Verdict, complete, examine

_READ_ONLY, _REMOUNT = 1, 32  # MS_RDONLY and MS_REMOUNT of mount(2)


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[bool]:
    """A tmpfs of so many bytes at `folder` with what is there already; False where nothing may be mounted."""
    content = folder.with_name(f"{folder.name}.content")
    shutil.copytree(folder, content)
    libc = ctypes.CDLL(None)
    mounted = libc.mount(b"none", os.fsencode(folder), b"tmpfs", 0, f"size={size}".encode()) == 0
    try:
        if mounted:
            shutil.copytree(content, folder, dirs_exist_ok=True)
        yield mounted
    finally:
        after = folder.with_name(f"{folder.name}.after")
        if mounted:
            shutil.copytree(folder, after)
            libc.umount(os.fsencode(folder))
            shutil.rmtree(folder)
            after.rename(folder)
        shutil.rmtree(content)


def small_disk_trial(bench: Bench, job: Job, rng: random.Random) -> Verdict | None:
    """A job on a disk that has room for its inputs and a part of what it makes; None where nothing may be mounted."""
    before = bench.lay_out(job.inputs)
    made = _size(bench, [name for name in job.made if name not in job.inputs] or job.made)
    room = _size(bench, job.inputs) + int(rng.uniform(0.05, 0.95) * made)
    with small_disk(bench.work, room) as is_mounted:
        if not is_mounted:
            return None
        outcome = run(bench.work, job.module, job.words)
    return complete(bench, job, examine(bench, job, Fault(FULL), before, outcome))


def size_limit_trial(bench: Bench, job: Job, rng: random.Random) -> Verdict:
    """A job whose process may write no file larger than a part of the largest that it makes (`ulimit -f`)."""
    before = bench.lay_out(job.inputs)
    largest = max(path.stat().st_size for path in _below(bench, job.made))
    fault = Fault(file_limit=int(rng.uniform(0.1, 0.9) * largest))
    outcome = run(bench.work, job.module, job.words, fault)
    return complete(bench, job, examine(bench, job, fault, before, outcome))


def read_only_trial(bench: Bench, job: Job) -> Verdict | None:
    """A job in a folder that is read-only; None where nothing may be mounted."""
    before = bench.lay_out(job.inputs)
    with small_disk(bench.work, 1 << 30) as is_mounted:
        if not is_mounted or not _made_read_only(bench.work):
            return None
        outcome = run(bench.work, job.module, job.words)
    found = examine(bench, job, Fault(FULL), before, outcome)
    if outcome.status != 2:
        found = Verdict(found.is_intact, False, False, (*found.wrong, f"read-only, but status {outcome.status}"))
    return complete(bench, job, found)


def two_at_once_trial(bench: Bench, job: Job) -> Verdict:
    """The same command twice at once: one may be refused, and what there is then is as if it had been alone."""
    before = bench.lay_out(job.inputs)
    processes = [start(bench.work, job.module, job.words, told=bench.place / name) for name in ("one", "other")]
    outcomes = [ended(bench.place / name, one) for name, one in zip(("one", "other"), processes, strict=True)]
    done, other = sorted(outcomes, key=lambda outcome: outcome.status)
    found = examine(bench, job, NO_FAULT, before, done)
    lines = other.err.strip().splitlines() or [""]
    if other.status not in (0, 2) or "Traceback" in other.err:
        found = Verdict(found.is_intact, False, False, (*found.wrong, f"status {other.status}: {lines[-1]}"))
    return complete(bench, job, found)


def _below(bench: Bench, names: Sequence[str]) -> list[Path]:
    paths = [path for name in names for path in (bench.base / name, *(bench.base / name).rglob("*"))]
    return [path for path in paths if path.exists()]


def _size(bench: Bench, names: Sequence[str]) -> int:
    """Bytes on a disk of pages of 4 KiB."""
    return sum(-(-path.stat().st_size // 4096) * 4096 + 4096 for path in _below(bench, names))


def _made_read_only(folder: Path) -> bool:
    return not ctypes.CDLL(None).mount(b"none", os.fsencode(folder), b"tmpfs", _REMOUNT | _READ_ONLY, None)
