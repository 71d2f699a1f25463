"""A command in a process of its own that breaks at a chosen moment.

The process is forked from one that has imported everything, so that a trial takes as long as the command's work. Its
moments are counted by an audit hook: each time it is about to open a file for writing, rename, remove or make one, or
to flush one to disk. A fault at the k-th moment comes just before it, and so hits the narrow windows between two
renames that a signal after a random delay hardly ever does.
"""

import errno
import os
import resource
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tests.faults.power import POWER_LOSSES, Disk
from tests.forked import forked, redirected, status_of

SIGNALS = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT}
_ENDS = {**SIGNALS, **dict.fromkeys(POWER_LOSSES, signal.SIGKILL)}
FULL = "disk full"
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate")
_NEW = ("open", "os.mkdir")


@dataclass(frozen=True)
class Fault:
    """What breaks, and when.

    Attributes:
        kind: a name of `SIGNALS`; one of `POWER_LOSSES`, after which `Disk` says what is left; `FULL`: from then on
            nothing new can be made; an image that is "deleted", "truncated", "replaced" or of another "size"; a worker
            that is "killed" or "out of memory"; "" for none.
        moment: the how-manieth change of files, or reading of an image, from 1.
        victim: the image, relative to the working folder.
        file_limit: RLIMIT_FSIZE, in bytes.
    """

    kind: str = ""
    moment: int = 0
    victim: str = ""
    file_limit: int | None = None


NO_FAULT = Fault()


@dataclass(frozen=True)
class Outcome:
    """How a command ended: its exit status as shells have it, what it printed, and what it did.

    Attributes:
        status, out, err: see above.
        moments: how many changes it made.
        images: how many times it opened one itself, not by worker processes.
    """

    status: int
    out: str
    err: str
    moments: int
    images: int


def start(
    folder: Path, module: str, words: Sequence[str], fault: Fault = NO_FAULT, told: Path | None = None
) -> BaseProcess:
    """Start a command in a folder; what it prints goes to files beside that folder, or beside `told`; see `ended`."""
    told = folder if told is None else told
    for name in ("moments", "images"):
        beside(told, name).unlink(missing_ok=True)
    return forked(_run, (folder, module, list(words), fault, told))


def ended(told: Path, process: BaseProcess, seconds: float = 300) -> Outcome:
    """Wait for a command, whose words lie beside `told`."""
    process.join(seconds)
    assert process.exitcode is not None, "a command does not end"
    texts = {name: beside(told, name) for name in ("out", "err", "moments", "images")}
    found = {name: path.read_text(errors="replace") if path.exists() else "" for name, path in texts.items()}
    return Outcome(process.exitcode, found["out"], found["err"], int(found["moments"] or 0), int(found["images"] or 0))


def run(folder: Path, module: str, words: Sequence[str], fault: Fault = NO_FAULT) -> Outcome:
    """Run a command in a folder to its end."""
    return ended(folder, start(folder, module, words, fault))


def beside(folder: Path, name: str) -> Path:
    """Of the command in a folder: "out", "err", "moments", there from its begin, "images", and "tmp", a folder."""
    return folder.with_name(f"{folder.name}.{name}")


def _run(folder: Path, module: str, words: list[str], fault: Fault, told: Path) -> None:
    """The command, in its own process."""
    redirected(beside(told, "out"), beside(told, "err"))
    counts = beside(told, "moments")
    os.chdir(folder)
    beside(folder, "tmp").mkdir(exist_ok=True)
    tempfile.tempdir = str(beside(folder, "tmp"))
    watch = _Watch(folder, fault)
    most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    if fault.file_limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (fault.file_limit, most))
    counts.write_text("0")
    status = status_of([module, *words])
    watch.is_on = False
    sys.stdout.flush()
    sys.stderr.flush()
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    counts.write_text(str(watch.count))
    beside(told, "images").write_text(str(watch.images))
    os._exit(status)


class _Watch:
    """Counts what a process does to the files of a folder, and lets the fault happen."""

    def __init__(self, folder: Path, fault: Fault) -> None:
        self.folder, self.fault = str(folder), fault
        self.process, self.count, self.images, self.is_on = os.getpid(), 0, 0, True
        self.disk = Disk(folder) if fault.kind in POWER_LOSSES else None
        if self.disk is not None:
            self.disk.begin()
        flush = os.fsync

        def counted(handle: Any) -> None:
            self.moment("fsync")
            flush(handle)
            if self.disk is not None:
                self.disk.flushed(handle if isinstance(handle, int) else handle.fileno())

        os.fsync = counted
        sys.addaudithook(self.hear)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """The audit hook."""
        if not self.is_on or (event != "open" and event not in _CHANGES):
            return
        path = arguments[0]
        if not isinstance(path, str | bytes | os.PathLike):
            return
        name = os.path.abspath(os.fsdecode(path))
        if not name.startswith(f"{self.folder}/"):
            return
        if event != "open" or arguments[2] & _WRITING:
            self.moment(event)
            if event == "os.rmdir" and self.disk is not None:
                self.disk.removed(*arguments)
        elif name.endswith(".png"):
            self.reading()

    def moment(self, event: str) -> None:
        """A change is about to be made."""
        if not self.is_on or os.getpid() != self.process:
            return
        self.count += 1
        if self.fault.kind in _ENDS and self.count == self.fault.moment:
            os.kill(self.process, _ENDS[self.fault.kind])
        if self.fault.kind == FULL and self.count >= self.fault.moment and event in _NEW:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def reading(self) -> None:
        """An image is about to be read, by any of the command's processes."""
        self.images += 1
        kind, in_worker = self.fault.kind, os.getpid() != self.process
        if self.images < self.fault.moment:
            return
        if kind == "killed" and in_worker:
            os.kill(os.getpid(), signal.SIGKILL)
        elif kind == "out of memory" and in_worker:
            raise MemoryError
        elif kind in _IMAGE_FAULTS and self.images == self.fault.moment:
            self.is_on = False
            _IMAGE_FAULTS[kind](Path(self.folder) / self.fault.victim)
            self.is_on = True


def _truncate(path: Path) -> None:
    os.truncate(path, 100)


def _resize(path: Path) -> None:
    from PIL import Image

    Image.new("L", (32, 32)).save(path)


_IMAGE_FAULTS = {
    "deleted": lambda path: path.unlink(missing_ok=True),  # another process may have been faster
    "truncated": _truncate,
    "replaced": lambda path: path.write_text("no image"),
    "of another size": _resize,
}
IMAGE_FAULTS = tuple(_IMAGE_FAULTS)
