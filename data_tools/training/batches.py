"""Batches of samples: augmented and in seeded order for training, plain and in order for prediction."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from data_tools.core.records import Sample
from data_tools.loading.batch import Batch
from data_tools.loading.copy_paste import PasteConfig, Paster
from data_tools.loading.dataset import DefectDataset, make_loader, plain_loader
from data_tools.loading.image_inputs import PixelReader
from data_tools.loading.input_config import InputConfig
from data_tools.loading.layout import layout_of_samples
from data_tools.loading.one_size import in_order
from data_tools.loading.reference import Reference, decide_reference
from data_tools.loading.samplers import BalancedSampler, PlainBatches
from data_tools.loading.transforms import Augmentation
from data_tools.networks.backbones import Backbone
from data_tools.training import processes
from data_tools.training.experiment import Experiment
from data_tools.training.fit_config import FitConfig
from data_tools.training.references import reference_of

log = logging.getLogger(__name__)

T = TypeVar("T")


def decide_by_layout(
    experiment: Experiment, config: InputConfig, fit: FitConfig, paste: PasteConfig | None = None
) -> tuple[InputConfig, PasteConfig]:
    """Both with what they leave open decided by the layout of the training images; what is given stays.

    `fit` says which images are learned from.
    """
    paste = paste or PasteConfig()
    is_open = config.augment.geometry == "auto" or config.reference == "auto"
    if not is_open and (paste.jitter is not None or not paste.share):
        return config, paste
    layout = layout_of_samples(experiment.dataset.split("train"), experiment.root)
    geometry = layout.geometry if config.augment.geometry == "auto" else config.augment.geometry
    jitter = layout.jitter if paste.jitter is None else paste.jitter
    log.info(
        "training images share %.0f %% of their variance: geometry %s%s",
        100 * layout.shared,
        geometry,
        f", pasted within {jitter:.0%} of a defect's own place" if paste.share else "",
    )
    if config.reference == "auto":
        good = sum(not sample.is_defect for sample in experiment.learned_from(fit))
        reference, why = decide_reference(layout, good, config.slices.side_px is not None)
        log.info("reference of good images: %s (%s)", reference, why)
        config = replace(config, reference=reference)
    return replace(config, augment=replace(config.augment, geometry=geometry)), replace(paste, jitter=jitter)


def training_loader(
    experiment: Experiment,
    config: InputConfig,
    fit: FitConfig,
    paste: PasteConfig | None = None,
    reference: Reference | None = None,
) -> Any:
    """The loader of the train split: augmented, in seeded order, with the wanted share of defects.

    `paste` lays defects on good images, which needs their boxes; `reference` is what images are compared with.
    """
    everything = experiment.dataset.split("train")
    samples = experiment.learned_from(fit)
    if len(samples) < len(everything):
        log.info("training on %d of the %d images of the train split", len(samples), len(everything))
    paster = Paster(samples, paste) if paste is not None and paste.share > 0 else None
    augmentation = Augmentation(config.augment)
    dataset = DefectDataset(samples, experiment.pixels, config, augmentation, fit.seed, paster, reference)
    # slices are of one size, whatever the images are
    sizes = [] if config.slices.side_px is not None else [config.target_hw(sample.size_hw) for sample in samples]
    positive = [sample.is_defect for sample in samples]
    rank, count = processes.rank(), processes.count()
    sampler = BalancedSampler(
        positive, fit.positive_share, fit.seed, sizes, fit.batch_size, rank, count, fit.epoch_steps
    )
    return make_loader(dataset, sampler, sampler.share, fit.workers)


def shared_batches(
    backbone: Backbone,
    samples: Sequence[Sample],
    pixels: Path | PixelReader,
    config: InputConfig,
    batch_size: int,
    label: str,
    read: Callable[[tuple[Sample, ...], Batch], Iterable[T]],
) -> list[T]:
    """What `read` says of each sample, in order; it is given the samples of a batch with the batch.

    A batch holds images of one size, without augmentation, on the device of the network whose backbone is given, and
    compared with that backbone's reference where it has one. Several processes take the batches in turn, and each gets
    the whole result. Progress is shown under the label; none with the label "".
    """
    sizes = [config.target_hw(sample.size_hw) for sample in samples]
    batches = PlainBatches(sizes, batch_size, processes.rank(), processes.count())
    dataset = DefectDataset(samples, pixels, config, reference=reference_of(backbone))
    loader: Any = plain_loader(dataset, batches)
    shown = tqdm(loader, desc=label, leave=False, mininterval=1.0, disable=not label or not processes.is_main())
    placed = (batch.to(backbone.mean.device) for batch in shown)
    mine = [(batch.indices, list(read(tuple(samples[i] for i in batch.indices), batch))) for batch in placed]
    return in_order(answer for part in processes.gather(mine) for answer in part)
