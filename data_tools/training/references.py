"""What the images of a training are compared with.

A reference is built from its good images, kept with the weights, and read from there again. Templates, one of each
image, lie in a folder, which is given anew wherever images are predicted.
"""

import logging
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import torch

from data_tools.core.errors import InputError
from data_tools.core.fields import Fields
from data_tools.files.run_config import CONFIG, read_values
from data_tools.loading.image_inputs import reader_of
from data_tools.loading.input_config import PAIRED, InputConfig
from data_tools.loading.pixels import preprocessed
from data_tools.loading.reference import FEWEST_IMAGES, MOST_IMAGES, MOST_PIXELS, Reference, build_reference, shown_of
from data_tools.loading.resizing import resized
from data_tools.networks.backbones import Backbone
from data_tools.networks.reference import ReferenceBranch, empty_branch
from data_tools.training.experiment import Experiment
from data_tools.training.fit_config import FitConfig

log = logging.getLogger(__name__)

REFERENCE = "reference"
"""Its key in a manifest: products, height and width; "paired" of templates; null or absent without either."""
_NO_FOLDER = "input.reference paired: each image needs its template; give their folder with --reference FOLDER"
_made: WeakKeyDictionary[ReferenceBranch, Reference] = WeakKeyDictionary()


class _Settings(Protocol):
    """An approach's settings, a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def input(self) -> InputConfig: ...


S = TypeVar("S", bound=_Settings)


def take_reference(backbone: Backbone, experiment: Experiment, config: InputConfig, fit: FitConfig) -> Reference | None:
    """Give the backbone the reference of the good training images, where the input has one, and return it.

    Where images have templates, it is prepared for these, and there is no reference.

    Args:
        backbone: to be trained.
        experiment: with the training images.
        config: with `reference` decided.
        fit: says which of the images are learned from.

    Raises:
        InputError: too few good images, or an unreadable one.
    """
    if config.reference == "off":
        return None
    if config.reference == PAIRED:
        if experiment.templates is None:
            raise InputError(_NO_FOLDER)
        log.info("the network also sees how far an image is from its template in %s", experiment.templates.folder)
        backbone.reference = ReferenceBranch()
        return None
    reference = _built(experiment, config, fit)
    backbone.reference = ReferenceBranch(torch.from_numpy(reference.median), torch.from_numpy(reference.spread))
    return reference


def reference_of(backbone: Backbone) -> Reference | None:
    """What the images of this backbone are all compared with; None where each has a template, or is seen alone.

    The same as before while its weights stay, as a reference keeps what it has made of itself for an image's size.
    """
    branch = backbone.reference
    if branch is None or branch.median is None or branch.spread is None:
        return None
    median, spread = branch.median.cpu().numpy(), branch.spread.cpu().numpy()
    made = _made.get(branch)
    if made is None or not (np.array_equal(made.median, median) and np.array_equal(made.spread, spread)):
        made = _made[branch] = Reference(median.copy(), spread.copy())
    return made


def shape_of(backbone: Backbone) -> list[int] | str | None:
    """For the manifest, see `REFERENCE`."""
    if backbone.reference is None:
        return None
    return PAIRED if backbone.reference.median is None else list(backbone.reference.median.shape)


def expect_reference(backbone: Backbone, manifest: Fields, config: InputConfig) -> InputConfig:
    """Prepare a backbone for the checkpoint of a run, which brings the reference that the run was trained with.

    Returns:
        The run's `config` with `reference` as it was decided.

    Raises:
        InputError: a damaged manifest.
    """
    if (manifest.values.get(REFERENCE) == PAIRED) != (config.reference == PAIRED):
        raise InputError(
            f"{manifest.place}: {REFERENCE} and input.reference of the configuration contradict each other"
        )
    if config.reference == PAIRED:
        backbone.reference = ReferenceBranch()
        return config
    if manifest.values.get(REFERENCE) is None:  # runs of version 0.2 have no such key
        return replace(config, reference="off")
    sides = manifest.numbers(REFERENCE, above=0, most_numbers=3)
    backbone.reference = empty_branch(tuple(int(side) for side in sides))
    return replace(config, reference="on")


def with_templates(settings: S | None, reference: Path | str | None) -> S | None:
    """An approach's settings, comparing each image with its template where their folder is given."""
    if reference is None or settings is None:
        return settings
    return replace(settings, input=replace(settings.input, reference=PAIRED))


def templates_folder(
    config: InputConfig, reference: Path | str | None, run: Path | str | None, resume: bool
) -> Path | None:
    """The folder of a training's templates: the one given, or that of the run that is resumed; None without templates.

    Raises:
        InputError: they are needed and there is no folder, or one is given to a run that was begun without.
    """
    if config.reference != PAIRED:
        if reference is not None:
            raise InputError(f"--reference {reference}: {run} was begun without templates; leave it out")
        return None
    own = Path(run) / CONFIG if run is not None and resume else None
    if reference is None and own is not None and own.is_file():
        reference = read_values(own).get(REFERENCE)
    if reference is None:
        raise InputError(_NO_FOLDER)
    return Path(reference)


def _built(experiment: Experiment, config: InputConfig, fit: FitConfig) -> Reference:
    good = [sample for sample in experiment.learned_from(fit) if not sample.is_defect]
    if len(good) < FEWEST_IMAGES:
        raise InputError(
            f"input.reference on: {len(good)} good training images, and it takes {FEWEST_IMAGES}; set it to off or auto"
        )
    sizes = Counter(config.target_hw(sample.size_hw) for sample in good)
    size = sizes.most_common(1)[0][0]
    count = min(len(good), MOST_IMAGES, max(MOST_PIXELS // (size[0] * size[1]), FEWEST_IMAGES))
    picked = np.sort(np.random.default_rng(0).choice(len(good), count, replace=False))
    read = reader_of(experiment.root)
    images = (preprocessed(good[i], read, config) for i in picked)
    reference = build_reference([(resized(image, size), shown_of(image)) for image in images])
    products = len(reference.median)
    log.info(
        "the network also sees how far an image is from the median of %d good ones%s, %d x %d (height x width)",
        count,
        f", of {products} products" if products > 1 else "",
        *size,
    )
    return reference
