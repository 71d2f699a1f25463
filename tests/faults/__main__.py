"""Break every command in every way, and count what came of it."""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.faults.jobs import JOBS
from tests.faults.plan import Row, rows
from tests.faults.trials import Bench, Verdict


def count(bench: Bench, row: Row, trials: int, seed: int) -> list[Verdict]:
    """The trials of a row; fewer where this machine does not allow them."""
    rng = random.Random(f"{seed} {row.command} {row.fault}")
    verdicts = []
    for number in range(1, trials + 1):
        verdict = row.trial(bench, rng)
        if verdict is None:
            print(f"{row.command}, {row.fault}: this machine lets nobody mount", file=sys.stderr)
            break
        verdicts.append(verdict)
        if verdict.wrong:
            print(f"{row.command}, {row.fault}, {number}: {'; '.join(verdict.wrong)}", file=sys.stderr, flush=True)
    return verdicts


def main() -> int:
    """Print the table; exit status 1 if anything was not as it should be."""
    parser = argparse.ArgumentParser(prog="tests.faults")
    parser.add_argument("--trials", type=int, default=5, help="of each fault of each command")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--commands", nargs="*", default=sorted({row.command for row in rows()}))
    parser.add_argument("--faults", nargs="*", default=[""], help="those whose names begin so")
    given = parser.parse_args()
    chosen = [row for row in rows() if row.command in given.commands and row.fault.startswith(tuple(given.faults))]
    failed = 0
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(Path(place)).prepare([job for job in JOBS if any(job in row.jobs for row in chosen)])
        print("| command | fault | trials | intact | named | completed |\n| --- | --- | --- | --- | --- | --- |")
        for row in chosen:
            verdicts = count(bench, row, given.trials, given.seed)
            counts = [sum(getattr(one, name) for one in verdicts) for name in ("is_intact", "is_named", "is_completed")]
            failed += sum(bool(one.wrong) for one in verdicts)
            print(f"| {row.command} | {row.fault} | {' | '.join(map(str, (len(verdicts), *counts)))} |", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
