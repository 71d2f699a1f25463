"""The reference of a training: built from its good images, kept with the weights, and read from there again."""

import logging
from collections import Counter
from dataclasses import replace
from weakref import WeakKeyDictionary

import numpy as np
import torch

from data_tools.core.errors import InputError
from data_tools.core.fields import Fields
from data_tools.loading.image_inputs import folder_reader
from data_tools.loading.input_config import InputConfig
from data_tools.loading.pixels import preprocessed
from data_tools.loading.reference import FEWEST_IMAGES, MOST_IMAGES, MOST_PIXELS, Reference, build_reference, shown_of
from data_tools.loading.resizing import resize
from data_tools.networks.backbones import Backbone
from data_tools.networks.reference import ReferenceBranch, empty_branch
from data_tools.training.batches import training_samples
from data_tools.training.experiment import Experiment
from data_tools.training.fit_config import FitConfig

log = logging.getLogger(__name__)

REFERENCE = "reference"
"""Its key in a manifest: products, height and width; null or absent without one."""
_made: WeakKeyDictionary[ReferenceBranch, Reference] = WeakKeyDictionary()


def take_reference(backbone: Backbone, experiment: Experiment, config: InputConfig, fit: FitConfig) -> Reference | None:
    """Give the backbone the reference of the good training images, where the input has one, and return it.

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
    reference = _built(experiment, config, fit)
    backbone.reference = ReferenceBranch(torch.from_numpy(reference.median), torch.from_numpy(reference.spread))
    return reference


def reference_of(backbone: Backbone) -> Reference | None:
    """What the images of this backbone are compared with; None where it sees images alone.

    The same as before while its weights stay, as a reference keeps what it has made of itself for an image's size.
    """
    branch = backbone.reference
    if branch is None:
        return None
    median, spread = branch.median.cpu().numpy(), branch.spread.cpu().numpy()
    made = _made.get(branch)
    if made is None or not (np.array_equal(made.median, median) and np.array_equal(made.spread, spread)):
        made = _made[branch] = Reference(median.copy(), spread.copy())
    return made


def shape_of(backbone: Backbone) -> list[int] | None:
    """For the manifest."""
    return None if backbone.reference is None else list(backbone.reference.median.shape)


def expect_reference(backbone: Backbone, manifest: Fields, config: InputConfig) -> InputConfig:
    """Prepare a backbone for the checkpoint of a run, which brings the reference that the run was trained with.

    Returns:
        The run's `config` with `reference` as it was decided.

    Raises:
        InputError: a damaged manifest.
    """
    if manifest.values.get(REFERENCE) is None:  # runs of version 0.2 have no such key
        return replace(config, reference="off")
    sides = manifest.numbers(REFERENCE, above=0, most_numbers=3)
    backbone.reference = empty_branch(tuple(int(side) for side in sides))
    return replace(config, reference="on")


def _built(experiment: Experiment, config: InputConfig, fit: FitConfig) -> Reference:
    good = [sample for sample in training_samples(experiment, fit) if not sample.is_defect]
    if len(good) < FEWEST_IMAGES:
        raise InputError(
            f"input.reference on: {len(good)} good training images, and it takes {FEWEST_IMAGES}; set it to off or auto"
        )
    sizes = Counter(config.target_hw(sample.size_hw) for sample in good)
    size = sizes.most_common(1)[0][0]
    count = min(len(good), MOST_IMAGES, max(MOST_PIXELS // (size[0] * size[1]), FEWEST_IMAGES))
    picked = np.sort(np.random.default_rng(0).choice(len(good), count, replace=False))
    read, none = folder_reader(experiment.root), np.zeros((0, 4))
    images = (preprocessed(good[i], read, config) for i in picked)
    reference = build_reference([(resize(image, none, size)[0], shown_of(image)) for image in images])
    products = len(reference.median)
    log.info(
        "the network also sees how far an image is from the median of %d good ones%s, %d x %d (height x width)",
        count,
        f", of {products} products" if products > 1 else "",
        *size,
    )
    return reference
