"""Flags that stand twice are refused by name; places that cannot be written to end in a message."""

import errno
import logging
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
from tqdm import tqdm

from data_tools.commands.parser import Parser, run_command
from data_tools.core.errors import WorkerLostError
from data_tools.files.atomic import atomic_path


@pytest.fixture
def parser() -> Parser:
    parser = Parser(prog="made.up")
    parser.add_argument("source", nargs="*")
    parser.add_argument("--split", type=str, default="test")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--runs", nargs="+", type=str, default=None)
    parser.add_argument("--names", type=list[str], default=[])
    parser.add_argument("--fit.lr", type=float, default=0.1)
    parser.add_argument("--fit.steps", type=int, default=1)
    return parser


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (["--split", "val", "--split", "test"], "--split"),
        (["--split=val", "--split", "test"], "--split"),
        (["--split", "val", "--spl", "test"], "--split"),
        (["--full", "--full"], "--full"),
        (["--runs", "a", "b", "--runs", "c"], "--runs"),
        (["--fit.lr", "1", "--fit.lr=2"], "--fit.lr"),
    ],
)
def test_a_flag_given_twice_is_refused_by_name(
    parser: Parser, words: Sequence[str], flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(parser, lambda _: 0, words) == 2
    assert f"made.up: error: {flag} is given twice" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "status", "said"), [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")]
)
def test_what_ends_a_command_while_its_words_are_made_shows_no_traceback(
    parser: Parser, number: int, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A training's words hold the plan, for which its images are read."""

    def words() -> list[str]:
        os.kill(os.getpid(), number)
        return ["too late"]

    assert run_command(parser, lambda _: 0, words) == status
    assert capsys.readouterr().err.strip() == f"made.up: ended by {said}"


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (["--split", ""], "--split"),
        (["--split="], "--split"),
        (["--runs", "a", ""], "--runs"),
        ([""], "the command line"),
    ],
)
def test_an_empty_value_does_not_turn_its_flag_off(
    parser: Parser, words: Sequence[str], place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(parser, lambda _: 0, words) == 2
    assert f"made.up: error: {place}: the value is empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["a", "--split", "a", "--runs", "a", "a", "--full"],
        ["--fit.lr", "1", "--fit.steps", "1"],
        ["--names+", "a", "--names+", "b"],
        ["--split", "a", "--", "a"],
    ],
)
def test_values_may_repeat_and_lists_may_grow(parser: Parser, words: Sequence[str]) -> None:
    assert run_command(parser, lambda arguments: len(arguments.names), words) == 2 * ("--names+" in words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rate", "nan"], "--rate: expected a finite number or null, not 'nan'"),
        (["--fit.steps", "many"], "--fit.steps: expected a whole number, not 'many'"),
    ],
)
def test_a_value_of_another_type_is_one_line(
    parser: Parser, words: Sequence[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser.add_argument("--rate", type=float | None, default=None)
    assert run_command(parser, lambda _: 0, words) == 2
    assert capsys.readouterr().err == f"made.up: error: {said}\n"


def test_a_flag_that_is_lacking_is_named_as_it_is_written(parser: Parser, capsys: pytest.CaptureFixture[str]) -> None:
    parser.add_argument("--best_of", "--best-of", type=int, required=True)
    parser.add_argument("--out", type=str, required=True)
    assert run_command(parser, lambda _: 0, []) == 2
    assert "the following arguments are required: --best-of, --out\n" in capsys.readouterr().err


def test_what_is_logged_beside_a_progress_bar_has_a_line_of_its_own(
    parser: Parser, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)

    def work(_: object) -> int:
        with tqdm(total=3, desc="training", leave=False):
            logging.getLogger("made.up").warning("epoch 1")
        return 0

    assert run_command(parser, work, []) == 0
    assert "\repoch 1\n" in capsys.readouterr().err


def test_a_full_disk_is_a_message_and_a_fault_of_ours_is_not(parser: Parser, capsys) -> None:
    def fail(number: int) -> None:
        raise OSError(number, "reason", "out.json")

    assert run_command(parser, lambda _: fail(errno.ENOSPC) or 0, []) == 2
    assert capsys.readouterr().err == "made.up: error: out.json: reason\n"
    with pytest.raises(OSError, match="reason"):
        run_command(parser, lambda _: fail(errno.EPIPE) or 0, [])


@pytest.mark.parametrize(
    ("failure", "status", "message"),
    [
        (WorkerLostError("a worker was killed"), 1, "made.up: error: a worker was killed"),
        (MemoryError(), 1, "made.up: error: the memory is exhausted"),
        (MemoryError("Unable to allocate 9 TiB"), 1, "made.up: error: Unable to allocate 9 TiB"),
        (OSError(errno.EFBIG, "File too large"), 2, "made.up: error: output: File too large"),
    ],
)
def test_what_the_machine_refuses_is_said_without_a_traceback(
    parser: Parser, failure: Exception, status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def body(_: object) -> int:
        raise failure

    assert run_command(parser, body, []) == status
    assert capsys.readouterr().err == f"{message}\n"


def test_sigterm_lets_what_is_half_written_be_removed(
    parser: Parser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def body(_: object) -> int:
        with atomic_path(tmp_path / "a"):
            os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("unreachable")

    assert run_command(parser, body, []) == 143
    assert capsys.readouterr().err == "made.up: ended by SIGTERM\n"
    assert list(tmp_path.iterdir()) == []
