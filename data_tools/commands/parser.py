"""What every command shares: the parser with helpful errors, and the exit statuses 0, 1 and 2."""

import argparse
import difflib
import errno
import logging
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from jsonargparse import ArgumentParser

from data_tools.core.errors import InputError
from data_tools.training.interrupt import Stopped

# a disk that is full or read-only, or that refuses: the user's to mend, and nothing half-written is left
_UNWRITABLE = (
    *(errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EACCES, errno.EPERM),
    *(errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP),
)

MOVED = "folder of the dataset's images, where they have moved"


class Parser(ArgumentParser):
    """A jsonargparse parser whose error for an unknown key names the nearest valid one."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Print one clear message to stderr and exit with status 2."""
        if not self.exit_on_error:
            raise argparse.ArgumentError(None, str(message)) from ex
        self.exit(2, f"{self.prog}: error: {self.explain(str(message))}\n")
        raise AssertionError("unreachable")

    def explain(self, message: str) -> str:
        """An error's text; where it is about an unknown key, with the nearest valid one."""
        text = message.strip()
        if grouped := re.search(r"[Gg]roup ['\"]([\w.]+)['\"] does not accept option ['\"]([\w.]+)['\"]", text):
            return text + self._hint(".".join(grouped.groups()))
        unknown = re.search(r"(?:[Uu]nrecognized arguments:\s*-*|[Kk]ey ['\"]|Option ['\"]|['\"])([\w.]+)", text)
        return text + (self._hint(unknown.group(1)) if unknown and _is_about_a_key(text) else "")

    def _hint(self, key: str) -> str:
        valid = [option[2:] for action in self._actions for option in action.option_strings if option.startswith("--")]
        near = difflib.get_close_matches(key, valid, n=1, cutoff=0.5)
        if not near:
            tails = {name.rpartition(".")[2]: name for name in valid}
            near = [tails[tail] for tail in difflib.get_close_matches(key.rpartition(".")[2], tails, n=1)]
        return f"\nDid you mean {near[0]!r}?" if near else f"\nSee {self.prog} --help for the valid keys."


Words = Sequence[str] | Callable[[], Sequence[str]]


def run_command(parser: argparse.ArgumentParser, body: Callable[[Any], int], argv: Words | None) -> int:
    """Parse `argv`, which may have to be made first, run `body` with the result and return the exit status.

    0 done, or stopped on request with its state saved; 2 bad usage or bad input (one message on stderr, no traceback),
    or a place that cannot be written to; an unexpected failure propagates, which ends the process with a traceback and
    status 1.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        words = argv() if callable(argv) else sys.argv[1:] if argv is None else argv
        require_each_flag_once(parser, words)
        arguments: Any = parser.parse_args(list(words))
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 2
    except InputError as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 2
    try:
        return body(arguments)
    except InputError as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 2
    except Stopped as stopped:
        print(f"{parser.prog}: {stopped}", file=sys.stderr)
        return 0
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        print(f"{parser.prog}: error: {error.filename or 'output'}: {error.strerror}", file=sys.stderr)
        return 2


def require_each_flag_once(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    """Refuse a flag that stands twice on a command line, of which a parser would take the last without a word.

    A flag of several values has them after one flag; `--list+ value`, which appends, may be repeated. A flag that is
    cut short, as parsers allow, is the flag that it stands for.

    Raises:
        InputError: it names the flag.
    """
    known = [option for action in parser._actions for option in action.option_strings]
    seen: set[str] = set()
    for word in words:
        if word == "--":
            return
        name = word.partition("=")[0]
        if not name.startswith("--") or name.endswith("+"):
            continue
        whole = [name] if name in known else [option for option in known if option.startswith(name)]
        name = whole[0] if len(whole) == 1 else name
        if name in seen:
            raise InputError(f"{name} is given twice; give it once, with all its values after it if it takes several")
        seen.add(name)


def _is_about_a_key(text: str) -> bool:
    return bool(re.search(r"[Uu]nrecognized|not expected|does not (accept|exist)|[Nn]o (action|key)|unknown", text))
