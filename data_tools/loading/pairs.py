"""Images with their templates: whatever reads an image's pixels reads its template's too."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, Self, TypeVar

from data_tools.core.errors import InputError
from data_tools.core.records import Dataset
from data_tools.files.dataset_folder import images_root_of
from data_tools.files.templates import PairReader, Templates
from data_tools.loading.image_inputs import Chunk, Images, PixelReader, chunks_of, reader_of, samples_of
from data_tools.loading.input_config import PAIRED, InputConfig

_LACKING = "it compares each image with its template, as it was trained with them"


def template_reader(read: PixelReader) -> PixelReader | None:
    """What reads the templates beside a reader of images; None where it reads images alone."""
    return read.template if isinstance(read, PairReader) else None


def for_both(change: Callable[[PixelReader], PixelReader], read: PixelReader) -> PixelReader:
    """A reader changed, that of the templates in the same way."""
    template = template_reader(read)
    return change(read) if template is None else PairReader(change(read), change(template))


def paired(pixels: Path | PixelReader, config: InputConfig, templates: Templates | None) -> Path | PixelReader:
    """A way to samples' pixels, with their templates where a network compares with these.

    Args:
        pixels: folder of the images, or what reads them; one that reads templates already stays as it is.
        config: what the network sees.
        templates: None for none.

    Raises:
        InputError: it does, and there are no templates.
    """
    if config.reference != PAIRED or isinstance(pixels, PairReader):
        return pixels
    if templates is None:
        raise InputError(f"the model has no templates, and {_LACKING}; load it with reference=FOLDER")
    return PairReader(reader_of(pixels), templates.read)


class _Comparing(Protocol):
    """A model that can compare images with templates."""

    @property
    def input(self) -> InputConfig: ...

    def compared_with(self, templates: Templates) -> Self: ...


M = TypeVar("M", bound=_Comparing)


def given_templates(model: M, reference: Path | str | None, run: Path | str) -> M:
    """A model with the templates that it needs to predict; itself where it needs none.

    Args:
        model: see there.
        reference: folder of the templates; None for none.
        run: names the model in messages.

    Raises:
        InputError: it needs them and there is no folder, or it needs none and there is one.
    """
    if model.input.reference == PAIRED:
        if reference is None:
            raise InputError(f"{run}: {_LACKING}; give their folder with --reference FOLDER")
        return model.compared_with(Templates(Path(reference)))
    if reference is not None:
        raise InputError(f"--reference {reference}: {run} was trained without templates; leave it out")
    return model


def chunks_with_templates(images: Images, split: str, templates: Templates | None) -> Iterator[Chunk]:
    """As `image_inputs.chunks_of`; where there are templates, an image without one is refused before it is predicted.

    Raises:
        InputError: see there; or which images of a dataset have no template, or which image as its turn comes.
    """
    if templates is not None and isinstance(images, Dataset):
        root = images_root_of(images, images.folder or Path("."))
        templates.require(samples_of(images, split), root, str(images.folder or "the dataset"))
    for chunk in chunks_of(images, split):
        if templates is not None and not isinstance(images, Dataset):
            for sample in chunk.samples:
                templates.path_of(sample.path, Path(sample.path))
        yield chunk
