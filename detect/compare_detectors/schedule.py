"""Learning rates of the peers' published recipes, stretched or squeezed to a budget.

Each recipe counts its schedule in epochs. Here the whole of it is laid over the budget: `progress` runs from 0 to 1
with the budget spent, so that every peer has annealed at its end, as its recipe means it to.
"""

import math

STEP_DECAY_EPOCHS, STEP_DECAY_AT, STEP_DECAY_FACTOR = 26, (16, 22), 0.1
COSINE_EPOCHS, COSINE_WARMUP_EPOCHS = 300, 5


def step_decay(progress: float, step: int, warmup_steps: int) -> float:
    """Factor on the highest learning rate in torchvision's `references/detection/train.py`.

    A tenth after 16 and again after 22 of its 26 epochs. Before, a linear warm-up from a thousandth over
    `warmup_steps` (there 1,000 iterations, within the first epoch), but never beyond the first of the 26 epochs.

    Args:
        progress: 0..1, share of the budget spent.
        step: optimizer steps done.
        warmup_steps: at least 1.
    """
    warmed = min(max(step / warmup_steps, progress * STEP_DECAY_EPOCHS), 1.0)
    decays = sum(progress >= epoch / STEP_DECAY_EPOCHS for epoch in STEP_DECAY_AT)
    return (0.001 + 0.999 * warmed) * float(STEP_DECAY_FACTOR**decays)


def warmed_up_cosine(progress: float, highest: float, start: float, lowest: float) -> float:
    """Learning rate of EfficientDet's recipe in PyTorch (`train.py` of efficientdet-pytorch, timm's cosine schedule).

    Linear from `start` to `highest` over 5 of 300 epochs; besides, a cosine from `highest` to `lowest` over all 300.
    """
    warmup = COSINE_WARMUP_EPOCHS / COSINE_EPOCHS
    if progress < warmup:
        return start + (highest - start) * progress / warmup
    return lowest + 0.5 * (highest - lowest) * (1 + math.cos(math.pi * min(progress, 1.0)))


def linear_rule(lr: float, images: int, batch_size: int) -> float:
    """A learning rate published for steps of `images` images, at another batch size (Goyal et al. 2017)."""
    return lr * batch_size / images
