"""A file that was written is damaged: whoever reads the file names it, or gives what it gave before."""

import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.faulty import Outcome, run
from tests.faults.jobs import result_of
from tests.faults.trials import Bench, Verdict, copy

_DATA = ["--data", "data", "--split", "all"]
_JUDGE = ["--resamples", "100", "--out", "r.json"]


@dataclass(frozen=True)
class Reading:
    """A command that reads what was flipped, and the file that it makes."""

    module: str
    words: tuple[str, ...]
    made: str


def _predict(run_or_bundle: str, approach: str) -> Reading:
    return Reading(f"{approach}.predict", ("--run", run_or_bundle, *_DATA, "--out", "q.jsonl"), "q.jsonl")


READERS = {
    "d": (_predict("d", "detect"), Reading("detect.evaluate", ("--runs", "d", *_JUDGE), "r.json")),
    "c": (_predict("c", "classify"), Reading("detect.evaluate", ("--runs", "c", *_JUDGE), "r.json")),
    "b": (_predict("b", "detect"),),
    "k": (_predict("k", "classify"),),
    "p": (Reading("detect.evaluate", ("--predictions", "p.jsonl", *_DATA, *_JUDGE), "r.json"),),
}
"""By what lies in the working folder; p stands for p.jsonl and p.npz."""


def files_of(folder: Path, what: str) -> list[Path]:
    """The files of a run, a bundle or a PredictionSet, relative to the working folder."""
    found = sorted((folder / what).rglob("*")) if what != "p" else [folder / "p.jsonl", folder / "p.npz"]
    return [path.relative_to(folder) for path in found if path.is_file()]


def flip(path: Path, rng: random.Random) -> str:
    """Turn one bit of a file over; where, in words."""
    content = bytearray(path.read_bytes())
    place, bit = rng.randrange(len(content)), rng.randrange(8)
    content[place] ^= 1 << bit
    path.write_bytes(content)
    return f"bit {bit} of byte {place}"


def cut(path: Path, rng: random.Random) -> str:
    """Cut a file off; where, in words."""
    length = rng.randrange(path.stat().st_size)
    os.truncate(path, length)
    return f"cut off after {length} bytes"


DAMAGES: dict[str, Callable[[Path, random.Random], str]] = {"a bit flipped": flip, "a file cut off": cut}


def damage_trial(bench: Bench, what: str, file: Path, damage: str, rng: random.Random) -> Verdict:
    """Damage one file and let every reader read it; then put the file back and read again."""
    wrong: list[str] = []
    unmended: list[str] = []
    for reader in READERS[what]:
        bench.lay_out(["data", *([what] if what != "p" else ["p.jsonl", "p.npz"])])
        if reader not in bench.read:
            bench.read[reader] = _read(bench, reader)[1]
        expected = bench.read[reader]
        where = DAMAGES[damage](bench.work / file, rng)
        outcome, result = _read(bench, reader)
        named = str(file) in outcome.err and "Traceback" not in outcome.err
        if not (named and outcome.status in (0, 2)) and (outcome.status or result != expected):
            wrong.append(f"{reader.module}: {file}: {where}: status {outcome.status}: {outcome.err.strip()[-200:]}")
        copy(bench.base / file, bench.work / file)
        if _read(bench, reader)[1] != expected:
            unmended.append(f"{reader.module}: another result after the file was put back")
    return Verdict(True, not wrong, not unmended, (*wrong, *unmended))


def _read(bench: Bench, reader: Reading) -> tuple[Outcome, Any]:
    (bench.work / reader.made).unlink(missing_ok=True)
    outcome = run(bench.work, reader.module, reader.words)
    return outcome, result_of(bench.work, [reader.made])
