"""What every command shares: the parser with helpful errors, and the exit statuses 0, 1 and 2."""

import argparse
import difflib
import errno
import io
import json
import logging
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NoReturn, TextIO

from jsonargparse import ArgumentParser, Namespace

from data_tools.commands.freed_memory import keep_freed_memory
from data_tools.commands.type_words import in_words
from data_tools.core.errors import InputError, WorkerLostError
from data_tools.core.printable import apart_from_bars, printable_lines, say, say_text
from data_tools.core.starting import interruptible
from data_tools.training.interrupt import Stopped, Terminated, ended_by_sigterm

# a disk that is full or read-only, or that refuses: the user's to mend, and nothing half-written is left
_UNWRITABLE = (
    *(errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EACCES, errno.EPERM),
    *(errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP, errno.EFBIG),
)

# what jsonargparse says, on one line or up to ten, of a value that is not of the type of its key
_MISTYPED = re.compile(
    r"""[Kk]ey ["'](?P<key>[\w.]+)["']:\s+(?:Expected a .*?Got value: (?P<one>.*)"""
    r"""|Does not validate against .*?\n\s*Given value: (?P<many>.*))\Z""",
    re.DOTALL,
)

MOVED = "folder of the dataset's images, where they have moved"


class Parser(ArgumentParser):
    """A jsonargparse parser whose error for an unknown key names the nearest valid one.

    Where a group of settings is expected, one of `setting_groups`, it takes settings alone. There jsonargparse takes a
    text for the path of a file to read or of a class to import, and so would let a stranger's configuration do either.
    """

    def __init__(self, *positional: Any, **named: Any) -> None:
        super().__init__(*positional, **named)
        self.setting_groups: set[str] = set()  # dotted, such as "model" and "model.heads"

    def parse_args(self, args: Sequence[str] | None = None, *others: Any, **named: Any) -> Any:  # type: ignore[override]
        """Parse a command line, in which `--config` has become the text of a mapping, see `configurations`."""
        words = list(sys.argv[1:] if args is None else args)
        flags = [word.partition("=") for word in words]
        for flag, _, _ in flags:
            if flag.startswith("--") and flag[2:] in self.setting_groups:
                self.error(f"{flag} is a group; give its settings one by one, such as {flag}.{self._first_of(flag)}")
        texts = [value for flag, _, value in flags if flag == "--config" and value]
        texts += [value for flag, value in pairwise(words) if flag == "--config"]
        for text in texts if "--config" in self._option_string_actions else ():
            try:
                self._require_groups(json.loads(text))
            except ValueError:
                self.error(f"--config {text}: give one configuration; one can name another as its base")
        return super().parse_args(words, *others, **named)

    def parse_object(self, cfg_obj: Any, *others: Any, **named: Any) -> Any:
        """Parse a nested mapping of settings."""
        self._require_groups(cfg_obj)
        return super().parse_object(cfg_obj, *others, **named)

    def _require_groups(self, values: Any, prefix: str = "") -> None:
        if isinstance(values, Namespace):  # jsonargparse's own, for a part of what has been checked
            return
        if not isinstance(values, Mapping):
            self.error(f"{prefix.rstrip('.')} must be a group of settings, not {values!r}")
        for key, value in values.items():
            if f"{prefix}{key}" in self.setting_groups:
                self._require_groups(value, f"{prefix}{key}.")

    def _first_of(self, flag: str) -> str:
        options = [option for action in self._actions for option in action.option_strings]
        return next(option.removeprefix(f"{flag}.") for option in options if option.startswith(f"{flag}."))

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Print one clear message to stderr and exit with status 2."""
        if not self.exit_on_error:
            raise argparse.ArgumentError(None, str(message)) from ex
        say_text(f"{self.prog}: error: {self.explain(str(message))}", to=sys.stderr)
        self.exit(2)
        raise AssertionError("unreachable")

    def explain(self, message: str) -> str:
        """An error's text; where it is about an unknown key, with the nearest valid one."""
        text = message.strip()
        if mistyped := _MISTYPED.search(text):
            hints = [getattr(one, "_typehint", None) for one in self._actions if one.dest == mistyped["key"]]
            value = mistyped["one"] if mistyped["many"] is None else mistyped["many"]
            if hints and hints[0] is not None:
                return f"--{mistyped['key']}: expected {in_words(hints[0], mistyped['key'])}, not {value!r}"
        if required := re.fullmatch(r"(the following arguments are required: )(.*)", text):
            flags = {one.dest: one.option_strings[-1] for one in self._actions if one.option_strings}
            return required[1] + ", ".join(flags.get(name, name) for name in required[2].split(", "))
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
    or a place that cannot be written to; 130 ended by Ctrl-C and 143 by SIGTERM, as shells have it, after what was
    half-written has been removed; 1 memory that is exhausted or a worker process that was killed, in words; any other
    failure propagates, which ends the process with a traceback and status 1.
    """
    handler = _BesideBars(sys.stderr)
    handler.setFormatter(_Shown())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that the terminal cannot show costs no result
        sys.stdout.reconfigure(errors="backslashreplace")
    keep_freed_memory()
    try:
        with interruptible(), ended_by_sigterm():  # also while words are made, as a plan of many images is
            try:
                words = argv() if callable(argv) else sys.argv[1:] if argv is None else argv
                require_each_flag_once(parser, words)
                require_no_empty_value(words)
                arguments: Any = parser.parse_args(list(words))
            except SystemExit as leaving:
                return leaving.code if isinstance(leaving.code, int) else 2
            return body(arguments)
    except InputError as error:
        _complain(parser, f"error: {error}")
        return 2
    except (WorkerLostError, MemoryError) as error:
        _complain(parser, f"error: {str(error) or 'the memory is exhausted'}")
        return 1
    except Stopped as stopped:
        _complain(parser, f"{stopped}")
        return 0
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        _complain(parser, f"error: {error.filename or 'output'}: {error.strerror}")
        return 2
    except Terminated:
        _complain(parser, "ended by SIGTERM")
        return 143
    except KeyboardInterrupt:
        _complain(parser, "ended by Ctrl-C")
        return 130


class _BesideBars(logging.StreamHandler[TextIO]):
    """Messages on lines of their own, whatever progress bars are drawn."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            with apart_from_bars(self.stream):
                super().emit(record)
        except BrokenPipeError:
            self.handleError(record)


class _Shown(logging.Formatter):
    """The message alone, its characters that would steer a terminal as escapes."""

    def format(self, record: logging.LogRecord) -> str:
        return printable_lines(super().format(record))


def _complain(parser: argparse.ArgumentParser, message: str) -> None:
    """One message on stderr; lines after its first are indented, so that none can pass for another message."""
    say(*f"{parser.prog}: {message}".replace("\n", "\n    ").split("\n"), to=sys.stderr)


def require_each_flag_once(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    """Refuse a flag that stands twice on a command line, of which a parser would take the last without a word.

    A flag of several values has them after one flag; `--list+ value`, which appends, may be repeated. A flag that is
    cut short, as parsers allow, is the flag that it stands for.

    Raises:
        InputError: it names the flag.
    """
    seen: set[str] = set()
    for word in with_whole_flags(parser, words):
        if word == "--":
            return
        name = word.partition("=")[0]
        if not name.startswith("--") or name.endswith("+"):
            continue
        if name in seen:
            raise InputError(f"{name} is given twice; give it once, with all its values after it if it takes several")
        seen.add(name)


def with_whole_flags(parser: argparse.ArgumentParser, words: Sequence[str] | None) -> list[str]:
    """The words with each flag that is cut short, as parsers allow, written out; what may mean several stays.

    Args:
        parser: knows the flags.
        words: of a command line; None takes the process's own.
    """
    given = list(sys.argv[1:] if words is None else words)
    known = [option for action in parser._actions for option in action.option_strings]
    end = given.index("--") if "--" in given else len(given)

    def whole(word: str) -> str:
        name, equals, value = word.partition("=")
        meant = [] if name in known or not name.startswith("--") else [one for one in known if one.startswith(name)]
        return f"{meant[0]}{equals}{value}" if len(meant) == 1 else word

    return [whole(word) for word in given[:end]] + given[end:]


def require_no_empty_value(words: Sequence[str]) -> None:
    """Refuse an empty value: a variable of a script that is not set, which would turn its flag off without a word.

    Raises:
        InputError: it names the flag.
    """
    flag = ""
    for word in words:
        name, equals, value = word.partition("=")
        if word.startswith("--"):
            flag = name
        if not word or (word.startswith("--") and equals and not value):
            place = flag or "the command line"
            raise InputError(f"{place}: the value is empty; give one (is a variable of the script not set?)")


def _is_about_a_key(text: str) -> bool:
    return bool(
        re.search(r"[Uu]nrecognized|not expected|not accepted|does not (accept|exist)|[Nn]o (action|key)|unknown", text)
    )
