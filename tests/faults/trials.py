"""One trial: a command is broken, what it has left is examined, and the same command is to complete it."""

import hashlib
import os
import random
import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.faults.faulty import FULL, IMAGE_FAULTS, NO_FAULT, SIGNALS, Fault, Outcome, beside, ended, run, start
from tests.faults.jobs import IMAGES, JOBS, MANY, TEMPLATES, Job, half_written, make_source, make_templates, result_of
from tests.faults.power import POWER_LOSSES, Disk

STOPPED = (0, 130, 143)
"""Exit statuses after a request to stop: saved, by Ctrl-C, by SIGTERM."""
WORKER_FAULTS = ("killed", "out of memory")
_UNANNOUNCED = ("SIGKILL", *POWER_LOSSES)
_MADE_FIRST = ("convert", "detect.train", "classify.train", "detect.train --reference", "detect.train of ResNet50")


@dataclass(frozen=True)
class Verdict:
    """What was found after a fault; `wrong` says in words what was not right."""

    is_intact: bool
    is_named: bool
    is_completed: bool
    wrong: tuple[str, ...] = ()


@dataclass
class Bench:
    """A folder with what the jobs make undisturbed, in `base`, and one in which they are broken, `work`.

    Attributes:
        place: of both.
        moments, images, seconds: of each job, undisturbed.
        read: what each reader makes of what is whole, see `tests.faults.flips`.
    """

    place: Path
    moments: dict[str, int] = field(default_factory=dict)
    images: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    read: dict[Any, Any] = field(default_factory=dict)

    @property
    def base(self) -> Path:
        """What an undisturbed run makes."""
        return self.place / "base"

    @property
    def work(self) -> Path:
        """Where commands are broken; the same path for all, because runs name their data."""
        return self.place / "work"

    def prepare(self, jobs: Sequence[Job] = JOBS) -> "Bench":
        """Run the jobs, and those that make what they read, undisturbed."""
        self.work.mkdir()
        for name, count in (("src", IMAGES), ("many", MANY)):
            make_source(self.work / name, count)
            copy(self.work / name, self.base / name)
        make_templates(self.work / TEMPLATES)
        copy(self.work / TEMPLATES, self.base / TEMPLATES)
        needed = {name for job in jobs for name in job.inputs} | {"data"}
        for job in JOBS:
            if job in jobs or (job.name in _MADE_FIRST and job.made[0] in needed):
                started = time.monotonic()
                outcome = run(self.work, job.module, job.words)
                assert outcome.status == 0, f"{job.name}: {outcome.err}"
                self.moments[job.name], self.images[job.name] = outcome.moments, outcome.images
                self.seconds[job.name] = time.monotonic() - started
                for name in job.made:
                    copy(self.work / name, self.base / name)
        return self

    def lay_out(self, names: Sequence[str]) -> dict[str, str]:
        """Empty `work`, apart from these files and folders; the hash of each file."""
        shutil.rmtree(self.work)
        shutil.rmtree(beside(self.work, "tmp"), ignore_errors=True)
        self.work.mkdir()
        for name in names:
            copy(self.base / name, self.work / name)
        return _hashes(self.work, names)


def fault_of(bench: Bench, job: Job, kind: str, rng: random.Random) -> Fault:
    """A fault at a moment that the seed decides."""
    if kind in IMAGE_FAULTS:
        name = f"{job.reads}/{rng.randrange(IMAGES):02d}.png"
        return Fault(kind, rng.randrange(1, bench.images[job.name] + 1), name)
    if kind in WORKER_FAULTS:
        return Fault(kind, rng.randrange(1, 9))
    moment = rng.randrange(1, bench.moments[job.name] + 1)
    # a quarter of the power losses come when all is done
    return Fault(kind, 0 if kind in POWER_LOSSES and rng.random() < 0.25 else moment)


def trial(bench: Bench, job: Job, fault: Fault, delay: float | None = None, more: Sequence[str] = ()) -> Verdict:
    """Break a job and take it up again.

    Args:
        bench: prepared.
        job: to break.
        fault: what breaks. With `delay`, its signal comes after so many seconds instead.
        delay: see `fault`.
        more: words to add.
    """
    before = bench.lay_out(job.inputs)
    words = [*job.words, *more]
    outcome = _broken(bench.work, job, words, fault, delay)
    if fault.kind in POWER_LOSSES:
        Disk(bench.work).lose_power(fault.kind)
    return complete(bench, job, examine(bench, job, fault, before, outcome), fault, more)


def examine(bench: Bench, job: Job, fault: Fault, before: dict[str, str], outcome: Outcome) -> Verdict:
    """What a broken job has left, and whether it said what had happened."""
    wrong = _damage(bench, job, fault, before)
    if fault.kind in POWER_LOSSES and outcome.status == 0:
        wrong += tuple(f"lost after the end: {name}" for name in _others(bench, job) if (bench.base / name).exists())
    unnamed = () if (said := complaint(job, fault, outcome)) is None else (said,)
    return Verdict(not wrong, not unnamed, False, (*wrong, *unnamed))


def complete(bench: Bench, job: Job, found: Verdict, fault: Fault = NO_FAULT, more: Sequence[str] = ()) -> Verdict:
    """Mend what the fault did to the inputs, and run the same command again."""
    if fault.victim and fault.victim.split("/")[0] in job.inputs:
        shutil.copyfile(bench.base / fault.victim, bench.work / fault.victim)
    undone = _completed(bench, job, more)
    return replace(found, is_completed=not undone, wrong=(*found.wrong, *undone))


def _broken(folder: Path, job: Job, words: Sequence[str], fault: Fault, delay: float | None) -> Outcome:
    if delay is None:
        return run(folder, job.module, words, fault)
    process = start(folder, job.module, words)
    while not beside(folder, "moments").exists() and process.is_alive():  # the command itself begins then
        time.sleep(0.001)
    timer = threading.Timer(delay, lambda: process.is_alive() and os.kill(process.pid or 0, SIGNALS[fault.kind]))
    timer.start()
    try:
        return ended(folder, process)
    finally:
        timer.cancel()


def complaint(job: Job, fault: Fault, outcome: Outcome) -> str | None:
    """What is wrong with how a broken command ended, if anything."""
    lines = outcome.err.strip().splitlines()
    last = lines[-1] if lines else ""
    if not outcome.err and outcome.status in (-SIGNALS["SIGTERM"], 130):
        return None  # nothing had begun
    if outcome.status == -SIGNALS["SIGKILL"]:
        return None if fault.kind in _UNANNOUNCED else "killed"
    if "Traceback" in outcome.err:
        return f"a traceback: {last}"
    if fault.kind in _UNANNOUNCED:  # it was done before
        return None if outcome.status == 0 else f"status {outcome.status}: {last}"
    if fault.kind in SIGNALS:
        said = outcome.status == 0 or job.module in last
        return None if outcome.status in STOPPED and said else f"status {outcome.status}: {last}"
    if fault.kind in WORKER_FAULTS:
        return None if outcome.status in (1, 2) and job.module in last else f"status {outcome.status}: {last}"
    if fault.kind == FULL or fault.file_limit is not None:
        return None if outcome.status in (0, 2) else f"status {outcome.status}: {last}"
    named = Path(fault.victim).name in outcome.err or "rejects: 0" not in outcome.out
    return None if outcome.status in (0, 2, 3) and (outcome.status == 0 or named) else f"{outcome.status}: {last}"


def _damage(bench: Bench, job: Job, fault: Fault, before: dict[str, str]) -> tuple[str, ...]:
    """What was finished and is no more, or stands half-written."""
    kept = {name: digest for name, digest in before.items() if name.split("/")[0] not in job.made}
    now = _hashes(bench.work, job.inputs)
    lost = [name for name in job.made if name in job.inputs and not (bench.work / name).exists()]
    changed = [name for name, digest in kept.items() if now.get(name) != digest and name != fault.victim]
    broken = half_written(bench.work, job.made)
    found = {"changed": changed, "lost": lost, "half-written": broken}
    return tuple(f"{what}: {name}" for what, names in found.items() for name in names)


def _completed(bench: Bench, job: Job, more: Sequence[str]) -> tuple[str, ...]:
    """What keeps the job from being as if nothing had happened, after the same command again.

    Where all was made already, that command may refuse to make it twice; what the first one left must be gone all the
    same.
    """
    expected = result_of(bench.base, job.made)
    is_made = result_of(bench.work, job.made) == expected
    if is_made and not _rests(bench, job):
        return ()
    words = job.again(bench.work, [*job.words, *more])
    outcome = run(bench.work, job.module, words)
    if outcome.status not in ((0, 2) if is_made else (0,)):
        return (f"again: status {outcome.status}: {outcome.err.strip().splitlines()[-1:]}",)
    others = tuple(f"again: another {name}" for name in _others(bench, job))
    return others + tuple(f"left: {name}" for name in _rests(bench, job))


def _others(bench: Bench, job: Job) -> list[str]:
    """The files that are not as an undisturbed run makes them, are missing or too many."""
    expected, result = result_of(bench.base, job.made), result_of(bench.work, job.made)
    return sorted(name for name in expected.keys() | result.keys() if expected.get(name) != result.get(name))


def _rests(bench: Bench, job: Job) -> list[str]:
    """What lies there, or in the place for temporary files, and belongs to nothing."""
    known = {name for top in (*job.inputs, *job.made) for name in _below(bench.base, top)}
    temporary = beside(bench.work, "tmp")
    left = [f"{temporary.name}/{path.name}" for path in temporary.iterdir() if not path.name.startswith("pymp-")]
    return sorted({name for top in os.listdir(bench.work) for name in _below(bench.work, top)} - known) + left


def _below(folder: Path, top: str) -> list[str]:
    return [str(path.relative_to(folder)) for path in (folder / top, *(folder / top).rglob("*")) if path.exists()]


def _hashes(folder: Path, names: Sequence[str]) -> dict[str, str]:
    below = (path for name in names for path in (folder / name, *(folder / name).rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in below}


def copy(source: Path, target: Path) -> None:
    """Copy a file or a folder, in place of what is at `target`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)
