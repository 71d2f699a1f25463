"""Predicting any number of images in flat memory: decoded ahead, predicted in chunks, written as they come."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from data_tools.commands.ray_engine import each_by_ray
from data_tools.core.errors import InputError
from data_tools.core.printable import say
from data_tools.core.records import Prediction, PredictionHeader, Sample, unlabelled
from data_tools.files.gray_levels import DarknessNotice
from data_tools.files.image_sources import Source
from data_tools.files.places import Outputs
from data_tools.files.prediction_journal import LACKS_TEMPLATE, Counts, Journal, Record, errors_path
from data_tools.files.read_ahead import Decoded, decoded_chunks
from data_tools.files.templates import PairReader, Templates
from data_tools.training.interrupt import Stopped, stop_requests

SOME_UNREADABLE = 3
"""Exit status: done, but some images could not be read."""

Predict = Callable[[Sequence[Sample], Callable[[Sample], NDArray[np.uint8]]], Sequence[Prediction]]
"""Predictions of samples, in order; the second argument reads a sample's pixels."""


@dataclass(frozen=True)
class Inputs:
    """Images to predict.

    Attributes:
        sources: the images in order.
        count: how many there are; None where only their end will tell.
        split: of a dataset.
        is_strict: whether one that cannot be read ends the work.
        files_read: files and folders named on the command line, and the files of a dataset.
        folders_read: of a dataset: its own, and that of its images.
        outputs: what is written, which no image may be; None where nobody looks.
        is_timed: whether the PredictionSet says how long an image took.
        templates: one of which each image must have; None where they need none.
    """

    sources: Iterable[Source]
    count: int | None = None
    split: str | None = None
    is_strict: bool = False
    files_read: tuple[Path, ...] = ()
    folders_read: tuple[Path, ...] = ()
    outputs: Outputs | None = None
    is_timed: bool = True
    templates: Templates | None = None


def predict_inputs(
    inputs: Inputs,
    out: Path,
    header: PredictionHeader,
    job: dict[str, Any],
    resume: bool,
    predict: Predict,
    by_ray: Callable[[], Predict] | None = None,
) -> int:
    """Predict all inputs, write the PredictionSet and print its path; returns the exit status, 0 or 3.

    Args:
        inputs: the images.
        out: PredictionSet to write.
        header: its first line.
        job: what else tells one job from another, for `resume`.
        resume: go on after what an interrupted process has left.
        predict: the model.
        by_ray: makes the model in each of Ray's processes, which then predict; see `ray_engine`.

    Raises:
        InputError: nothing could be read, an unreadable image of strict inputs, or nothing to resume that fits.
        Stopped: on SIGTERM or SIGINT.
    """
    with Journal(out, header, job, resume) as journal:
        if journal.dropped:
            say(
                f"WARNING: begun anew without --resume; {journal.dropped} records of an unfinished process are dropped",
                to=sys.stderr,
            )
        ms_per_image = _predict_into(journal, inputs, predict, by_ray)
        counts = journal.counts
        if not counts.predicted:
            raise InputError(_nothing(counts))
        journal.finish(ms_per_image if inputs.is_timed else None)
    say_unread(counts, out)
    if journal.threshold is not None:
        flagged = f"{counts.flagged:,} of {counts.predicted:,} images are flagged as defects"
        say(f"{flagged} (score {journal.threshold:.4g} or more)", to=sys.stderr)
    say(out)
    return SOME_UNREADABLE if counts.unreadable else 0


def predict_chunk(chunk: Sequence[Decoded], predict: Predict) -> list[Record]:
    """What became of each image of a chunk; those that could be read are given to the model together."""
    samples = [
        unlabelled(image_id, one.source.name, one.pixels.shape)
        for one in chunk
        if one.pixels is not None and (image_id := one.source.image_id) is not None
    ]
    made = iter(predict(samples, _reader_of(chunk)) if samples else ())
    return [
        Record(
            one.source.name,
            None if one.pixels is None else next(made),
            one.reason,
            one.source.is_left_out,
            dict(LACKS_TEMPLATE) if one.lacks_template else {},
        )
        for one in chunk
    ]


def _reader_of(chunk: Sequence[Decoded]) -> Callable[[Sample], NDArray[np.uint8]]:
    """Gives the pixels of a chunk's images, and of their templates, as they were when they were looked at."""
    pixels = {one.source.image_id: one.pixels for one in chunk if one.pixels is not None}
    templates = {one.source.image_id: one.template for one in chunk if one.template is not None}

    def read(sample: Sample) -> NDArray[np.uint8]:
        return pixels[sample.image_id]

    return PairReader(read, lambda sample: templates[sample.image_id]) if templates else read


def look_at_levels(notice: DarknessNotice, chunk: Sequence[Decoded]) -> None:
    """Have images named that use few of their bits."""
    for one in chunk:
        if one.pixels is not None:
            notice.look(one.source.name, one.pixels, one.source.path)


def numbered(sources: Iterable[Source]) -> Iterator[Source]:
    """The sources with ids: those of a dataset keep theirs, others count from 1, readable or not."""
    image_id = 0
    for source in sources:
        image_id += not source.is_left_out
        yield source if source.image_id is not None else replace(source, image_id=image_id)


def say_unread(counts: Counts, out: Path) -> None:
    """On stderr, in words, what was not read and where it is listed."""
    if counts.unreadable:
        some = _some(counts.reasons, counts.unreadable)
        say(f"{counts.predicted} images predicted, {counts.unreadable} could not be read: {some}", to=sys.stderr)
        say(f"unreadable images are listed in {errors_path(out)}", to=sys.stderr)
    if counts.left_out:
        say(f"WARNING: {counts.left_out} left out: {_some(counts.names_left_out, counts.left_out)}", to=sys.stderr)


@contextmanager
def stop_asked() -> Iterator[threading.Event]:
    """As `stop_requests`, by Ctrl-C too; a second Ctrl-C interrupts."""
    with stop_requests() as asked:
        if threading.current_thread() is not threading.main_thread():
            yield asked
            return
        before = signal.getsignal(signal.SIGINT)

        def ask(_number: int, _frame: FrameType | None) -> None:
            asked.set()
            signal.signal(signal.SIGINT, before)

        signal.signal(signal.SIGINT, ask)
        try:
            yield asked
        finally:
            signal.signal(signal.SIGINT, before)


def _predict_into(
    journal: Journal, inputs: Inputs, predict: Predict, by_ray: Callable[[], Predict] | None
) -> float | None:
    """Predict what the journal has not done yet; returns the milliseconds that an image took, None of no image."""
    counts = journal.counts
    pace, notice = _Pace(counts.inputs), DarknessNotice(partial(say, to=sys.stderr))

    def checked(chunks: Iterator[list[Decoded]]) -> Iterator[list[Decoded]]:
        for chunk in chunks:
            if inputs.outputs is not None:  # of a list from standard input nothing is known before
                for one in chunk:
                    inputs.outputs.require_apart(one.source.path)
            if inputs.is_strict:
                _require_readable(chunk, counts)
            look_at_levels(notice, chunk)
            yield chunk
        notice.close()

    with (
        stop_asked() as asked,
        tqdm(
            total=inputs.count, initial=counts.inputs, desc="predicting", unit="image", mininterval=1.0, leave=False
        ) as bar,
    ):
        left = _left(numbered(inputs.sources), journal)
        chunks = checked(decoded_chunks(left, templates=inputs.templates))
        for records in (
            (predict_chunk(chunk, predict) for chunk in chunks)
            if by_ray is None
            else each_by_ray(chunks, predict_chunk, by_ray)
        ):
            journal.write(records)
            pace.note(counts.inputs)
            bar.update(counts.inputs - bar.n)
            if asked.is_set() and counts.inputs != inputs.count:  # after the last image it is done, and says so
                total = "" if inputs.count is None else f" of {inputs.count}"
                raise Stopped(f"stopped after {counts.inputs}{total} images; go on with --resume")
    return pace.ms_per_image


class _Pace:
    """How long an image takes, from the second chunk on where there is one: in the first a network warms up."""

    def __init__(self, done: int) -> None:
        self._moments = [(time.perf_counter(), done)]

    def note(self, done: int) -> None:
        """So many are done now."""
        self._moments[2:] = [(time.perf_counter(), done)]

    @property
    def ms_per_image(self) -> float | None:
        """None of no image."""
        began, before = self._moments[-2:][0]
        ended, after = self._moments[-1]
        return round(1000 * (ended - began) / (after - before), 3) if after > before else None


def _left(sources: Iterator[Source], journal: Journal) -> Iterator[Source]:
    """The sources that the journal has not done yet.

    Raises:
        InputError: what it has done are other images.
    """
    for number, name in enumerate(journal.names(), start=1):
        source = next(sources, None)
        if source is None or source.name != name:
            now = "there are no more" if source is None else f"is now {source.name}"
            raise InputError(
                f"--resume: the images are not those that {journal.path} was begun with: image {number} was {name}, "
                f"{now}; begin anew without --resume"
            )
    yield from sources


def _require_readable(chunk: Sequence[Decoded], counts: Counts) -> None:
    for one in chunk:
        if one.pixels is None:
            kept = f"; {counts.predicted} predictions are kept for --resume" if counts.predicted else ""
            raise InputError(
                f"{one.source.path} (image {one.source.image_id}): {one.reason}; --skip_unreadable goes on without "
                f"what cannot be read{kept}"
            )


def _nothing(counts: Counts) -> str:
    if counts.unreadable:
        return f"none of the {counts.unreadable} images could be read: {_some(counts.reasons, counts.unreadable)}"
    left_out = f"; left out: {_some(counts.names_left_out, counts.left_out)}" if counts.left_out else ""
    return f"no images to predict{left_out}"


def _some(shown: Sequence[str], count: int) -> str:
    more = count - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more > 0 else "")
