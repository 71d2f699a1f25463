"""Which fault is tried on which command."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.faults.faulty import FULL, IMAGE_FAULTS, SIGNALS
from tests.faults.flips import DAMAGES, READERS, damage_trial, files_of
from tests.faults.jobs import JOBS, Job
from tests.faults.places import read_only_trial, size_limit_trial, small_disk_trial, two_at_once_trial
from tests.faults.power import POWER_LOSSES
from tests.faults.trials import WORKER_FAULTS, Bench, Verdict, fault_of, trial

DAMAGED = {
    **{"d": "detector run", "c": "classifier run", "b": "detector bundle", "k": "classifier bundle"},
    "p": "PredictionSet",
}
Trial = Callable[[Bench, random.Random], Verdict | None]
"""None where this machine does not allow it."""


@dataclass(frozen=True)
class Row:
    """A fault of a command.

    Attributes:
        command, fault: as the table names them.
        jobs: what must have been made before.
        trial: carries it out once.
    """

    command: str
    fault: str
    jobs: tuple[Job, ...]
    trial: Trial


def rows() -> Iterator[Row]:
    """Every fault of every command."""
    for job in filter(lambda job: job.is_tried, JOBS):
        for kind in SIGNALS:
            yield Row(job.name, f"{kind} at a change of files", (job,), _broken(job, kind))
            yield Row(job.name, f"{kind} after a random delay", (job,), _delayed(job, kind))
        for kind in (*POWER_LOSSES, FULL):
            yield Row(job.name, kind, (job,), _broken(job, kind))
        yield Row(job.name, "small disk", (job,), lambda bench, rng, job=job: small_disk_trial(bench, job, rng))
        yield Row(job.name, "file size limit", (job,), lambda bench, rng, job=job: size_limit_trial(bench, job, rng))
        yield Row(job.name, "read-only folder", (job,), lambda bench, _, job=job: read_only_trial(bench, job))
        yield Row(job.name, "two at once", (job,), lambda bench, _, job=job: two_at_once_trial(bench, job))
        for kind in IMAGE_FAULTS if job.reads else ():
            yield Row(job.name, f"an image {kind}", (job,), _broken(job, kind))
        for kind in WORKER_FAULTS if job.workers is not None else ():
            yield Row(job.name, f"a worker {kind}", (job,), _broken(job, kind))
    for what, name in DAMAGED.items():
        for damage in DAMAGES:
            yield Row(name, damage, _makers(what), _damaged(what, damage))


def _broken(job: Job, kind: str) -> Trial:
    more = job.workers or () if kind in WORKER_FAULTS else ()
    return lambda bench, rng: trial(bench, job, fault_of(bench, job, kind, rng), None, more)


def _delayed(job: Job, kind: str) -> Trial:
    return lambda bench, rng: trial(
        bench, job, fault_of(bench, job, kind, rng), rng.uniform(0, bench.seconds[job.name])
    )


def _damaged(what: str, damage: str) -> Trial:
    """One file after the other."""
    count = 0

    def one(bench: Bench, rng: random.Random) -> Verdict:
        nonlocal count
        files = files_of(bench.base, what)
        count += 1
        return damage_trial(bench, what, files[(count - 1) % len(files)], damage, rng)

    return one


def _makers(what: str) -> tuple[Job, ...]:
    """The jobs that make what is damaged; the last that makes a PredictionSet has heat maps."""
    assert what in READERS
    return tuple(job for job in JOBS if what in job.made or (what == "p" and "p.npz" in job.made))
