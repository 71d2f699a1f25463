"""A command in a process of its own, forked from one that has imported everything.

So it starts in a moment, where a new interpreter spends seconds on importing torch. What is forked is the server's
process, not the test's: nothing of the test's state is in it.
"""

import importlib
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

PRELOADED = ("torch", "torchvision", "timm", "accelerate", "albumentations", "matplotlib.pyplot")
PRELOADED += ("detect.training", "detect.trained", "classify.training", "classify.trained")
PRELOADED += ("detect.evaluate", "data_tools.report.html", "data_tools.convert")
PRELOADED += ("onnx", "onnxscript", "onnxruntime", "detect.exporting", "classify.exporting")


class Command:
    """A running command; its methods are those of `subprocess.Popen`.

    What it prints goes to the files `out` and `err`.
    """

    def __init__(self, place: Path, words: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Start `words`, a module and its flags, with one thread; `place` is a folder that is there, for its files."""
        name = f"{words[0]}.{os.urandom(4).hex()}"
        self.out, self.err = (place / f"{name}.{kind}" for kind in ("out", "err"))
        for path in (self.out, self.err):
            path.touch()
        self._process = forked(_run, (self.out, self.err, list(words), dict(environment or {})))
        self.pid = self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float = 300) -> int:
        self._process.join(timeout)
        assert self._process.exitcode is not None, "the command does not end"
        return self._process.exitcode

    def communicate(self, timeout: float = 300) -> tuple[str, str]:
        """Wait, then what it printed."""
        self.wait(timeout)
        return self.out.read_text(), self.err.read_text()

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def forked(target: object, arguments: tuple[object, ...]) -> BaseProcess:
    """A started process, forked from the server."""
    os.environ["OMP_NUM_THREADS"] = "1"  # the server's, which its first process brings to life
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    process = context.Process(target=target, args=arguments)  # type: ignore[arg-type]
    process.start()
    return process


def redirected(out: Path, err: Path) -> None:
    """Let this process print to files, and hear signals as a new interpreter does."""
    for number, path in ((1, out), (2, err)):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, number)
        os.close(handle)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    multiprocessing.set_start_method("fork", force=True)  # the system's own, which this process did not come by


def status_of(words: Sequence[str]) -> int:
    """Run a command's main function; the exit status of its interpreter."""
    module, *flags = words
    sys.argv = [module, *flags]
    try:
        return int(importlib.import_module(module).main(flags))
    except KeyboardInterrupt:
        return 130
    except BaseException:  # as the interpreter would print it
        traceback.print_exc()
        return 1


def _run(out: Path, err: Path, words: list[str], environment: dict[str, str]) -> None:
    redirected(out, err)
    os.environ.update(environment)
    status = status_of(words)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
