"""Predicting the images that come into a folder, each once, until asked to stop.

The operating system tells of changes where the package watchfiles is installed; the whole folder is looked at now and
then all the same, because network shares tell of none.
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from data_tools.commands.delivery import Delivery, Sink
from data_tools.commands.predicting import Predict, look_at_levels, predict_chunk, stop_asked
from data_tools.core.errors import InputError
from data_tools.core.printable import in_utf8, say
from data_tools.core.records import PredictionHeader
from data_tools.files.gray_levels import DarknessNotice
from data_tools.files.image_sources import Source
from data_tools.files.image_walk import UNLISTED, Entry, each_entry, is_foreign, names_an_image, reason_against_name
from data_tools.files.prediction_journal import Record
from data_tools.files.read_ahead import Decoded, decoded_chunks
from data_tools.files.regular import reason_against_reading
from data_tools.files.templates import Templates
from data_tools.files.unsent import Unsent
from data_tools.files.watch_log import Version, WatchLog, version_of

log = logging.getLogger(__name__)

_SCANNING_SHARE = 20  # a folder so large that a look takes long is looked at less often
_FOLDER: Version = (0, 0)  # a folder has no version: it is listed once, until it is gone or can be read again
_CHUNK = 8  # smaller than elsewhere: what has come is wanted soon


@dataclass(frozen=True)
class Pace:
    """How often a folder is looked at, in seconds.

    Attributes:
        settle: a file is read when its size and time of change have stayed the same for so long.
        give_up: one that cannot be read is listed when they have stayed the same for so long; a slow writer may pause.
        rescan: from one look at the whole folder to the next.
    """

    settle: float = 0.5
    give_up: float = 5.0
    rescan: float = 2.0


@dataclass
class _Candidate:
    """A file that has come or changed, and since when it has been as it is."""

    path: Path
    version: Version
    since: float


def watch(
    folder: Path,
    out: Path,
    header: PredictionHeader,
    job: dict[str, Any],
    predict: Predict,
    pace: Pace | None = None,
    sinks: Sequence[Sink] = (),
    templates: Templates | None = None,
) -> int:
    """Predict what is in a folder and what comes into it, each version of a file once, until SIGTERM or SIGINT.

    Args:
        folder: with its subfolders; hidden files, folders of tools and suffixes not read are passed over.
        out: PredictionSet to append to, a line an image; with it a later call knows what is done.
        header, job: of the set, and what else decides the predictions.
        predict: the model.
        pace: how often the folder is looked at.
        sinks: are sent each line, too, each by itself.
        templates: one of which each image must have; None where they need none.

    Raises:
        InputError: no such folder, or `out` is of another job.
    """
    folder = Path(os.path.abspath(folder))
    if not folder.is_dir():
        raise InputError(f"--watch {folder}: no such folder")
    begun, pace = time.monotonic(), pace or Pace()
    with (
        stop_asked() as asked,
        WatchLog(out, header, job, _present(folder)) as done,
        ExitStack() as deliveries,
    ):
        for sink in sinks:
            deliveries.enter_context(Delivery(sink, Unsent(out, sink.kind)))
        watcher = Watcher(folder, done, predict, pace, templates=templates)
        # on a screen alone: in a log that runs for months a bar is noise
        with tqdm(desc="watching", unit="image", mininterval=1.0, leave=False, disable=None) as bar:
            for changed in _changes(folder, pace, asked):
                watcher.notice(changed)
                watcher.step(asked)
                bar.update(done.counts.inputs - bar.n)
        counts = done.counts
    say(
        f"watched {folder} for {time.monotonic() - begun:.1f} s: {counts.predicted} predicted, "
        f"{counts.unreadable} unreadable",
        to=sys.stderr,
    )
    say(out)
    return 0


class Watcher:
    """The files of a folder that wait to be predicted.

    Args:
        folder: that is watched, absolute.
        done: takes what became of each.
        predict: the model.
        pace: how long files must stay as they are.
        clock: seconds.
        templates: one of which each image must have; None where they need none.
    """

    def __init__(
        self,
        folder: Path,
        done: WatchLog,
        predict: Predict,
        pace: Pace,
        clock: Callable[[], float] = time.monotonic,
        templates: Templates | None = None,
    ) -> None:
        self.folder, self.done, self.pace = folder, done, pace
        self._predict, self._clock, self._templates = predict, clock, templates
        self._waiting: dict[str, _Candidate] = {}
        self._tried: dict[str, Version] = {}
        """Of images without a usable template: the version of the one that there was."""
        self._next_scan = clock()
        self._notice = DarknessNotice(log.warning)

    def notice(self, changed: Sequence[Path]) -> None:
        """Take up files that are said to have come or changed; for a folder everything is looked at."""
        for path in changed:
            parts = path.relative_to(self.folder).parts if path.is_relative_to(self.folder) else ()
            if not parts or any(is_foreign(part) for part in parts[:-1]):
                continue
            if path.is_dir():
                self._next_scan = self._clock()
            elif names_an_image(parts[-1]) and not reason_against_name(parts[-1]):
                self._consider(in_utf8("/".join(parts)), path)

    def step(self, asked: threading.Event) -> None:
        """Predict what has settled, until asked to stop."""
        if self._clock() >= self._next_scan:
            self._scan()
        for name, candidate in list(self._waiting.items()):
            self._consider(name, candidate.path)
        now = self._clock()
        settled = [
            Source(name, one.path, reason=reason_against_reading(one.path) or "")
            for name, one in self._waiting.items()
            if now - one.since >= self.pace.settle
        ]
        for chunk in decoded_chunks(settled, _CHUNK, self._templates):
            self._take(chunk)
            if asked.is_set():
                break

    def _scan(self) -> None:
        """Look at the whole folder."""
        begun, present, whole = self._clock(), set[str](), True
        for entry in _entries(self.folder):
            name, path = in_utf8(entry.name), self.folder / entry.name
            present.add(name)
            whole = whole and entry.reason != UNLISTED
            if not entry.reason or not path.is_dir():
                self._consider(name, path)
            elif not self.done.has(name, _FOLDER):
                self._list(Record(name, None, entry.reason), _FOLDER)
        if whole:  # else there may be files in a folder that could not be listed
            self.done.forget_all_but(present)
            self._tried = {name: template for name, template in self._tried.items() if name in present}
        now = self._clock()
        self._next_scan = now + max(self.pace.rescan, _SCANNING_SHARE * (now - begun))

    def _consider(self, name: str, path: Path) -> None:
        """Wait for a file that is not done in its present version; the wait begins anew with each change."""
        version, waiting = version_of(path), self._waiting.get(name)
        if waiting is not None and waiting.version == version:
            return
        if version is None or (self.done.has(name, version) and not self._has_new_template(name, path, version)):
            self._waiting.pop(name, None)
        else:
            self._waiting[name] = _Candidate(path, version, self._clock())

    def _has_new_template(self, name: str, path: Path, version: Version) -> bool:
        """Whether an image that was listed for want of its template has one now, not yet tried."""
        if self._templates is None or not self.done.lacks_template(name, version):
            return False
        try:
            template = version_of(self._templates.path_of(name, path))
        except InputError:
            return False
        is_new = template is not None and template != self._tried.get(name)
        if template is not None:
            self._tried[name] = template
        return is_new

    def _take(self, chunk: Sequence[Decoded]) -> None:
        """Predict the images of a chunk that have not changed while they were read."""
        whole: list[Decoded] = []
        for one in chunk:
            name, candidate = one.source.name, self._waiting[one.source.name]
            self._consider(name, candidate.path)
            is_same = self._waiting.get(name) is candidate
            is_known = one.pixels is not None or self._clock() - candidate.since >= self.pace.give_up
            if is_same and is_known:
                whole.append(replace(one, source=replace(one.source, image_id=self.done.next_id + len(whole))))
        look_at_levels(self._notice, whole)
        for record in self._records(whole):
            self._list(record, self._waiting.pop(record.name).version)

    def _list(self, record: Record, version: Version) -> None:
        if record.reason and record.reason == self.done.lacks_template(record.name, version):
            return  # its template is another and no better
        self._tried.pop(record.name, None)
        self.done.append(record, version)
        if record.reason:
            log.warning("%s: %s", record.name, record.reason)

    def _records(self, chunk: Sequence[Decoded]) -> list[Record]:
        """What became of images; one that the model fails on, as for want of memory, stops no others."""
        try:
            return predict_chunk(chunk, self._predict)
        except (RuntimeError, MemoryError, ValueError) as error:
            if len(chunk) == 1:
                return [Record(chunk[0].source.name, None, f"prediction failed: {error}")]
            return [record for one in chunk for record in self._records([one])]


def _entries(folder: Path) -> Iterator[Entry]:
    """The images of a folder, and what stands in the place of one."""
    return (entry for entry in each_entry(folder) if not entry.reason or entry.is_broken)


def _present(folder: Path) -> set[str] | None:
    """The names in a folder; None where some cannot be known."""
    entries = list(_entries(folder))
    hidden = any(entry.reason == UNLISTED for entry in entries)
    return None if hidden else {in_utf8(entry.name) for entry in entries}


def _changes(folder: Path, pace: Pace, asked: threading.Event) -> Iterator[list[Path]]:
    """What is said to have changed, nothing in between, until asked to stop."""
    yield []
    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # or it counts each change on stderr
    try:
        from watchfiles import watch as told

        millis = int(pace.settle * 1000)
        for changes in told(
            folder,
            watch_filter=None,
            step=50,
            debounce=millis,
            rust_timeout=millis,
            yield_on_timeout=True,
            stop_event=asked,
            raise_interrupt=False,
        ):
            yield [Path(name) for _, name in changes]
    except ImportError:
        log.info("the folder is looked at every %g s; pip install '.[watch]' has changes told at once", pace.rescan)
    except (OSError, RuntimeError) as error:  # such as more folders than the system watches
        log.warning("%s: changes are not told (%s); looked at every %g s", folder, error, pace.rescan)
    while not asked.wait(pace.settle):
        yield []
