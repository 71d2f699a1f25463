"""A plan's settings: the decisions laid over the configuration that it starts from."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from data_tools.commands.configurations import merged, resolve
from data_tools.commands.settings import nested, resumed_settings, settings_from
from data_tools.files.run_config import CONFIG
from data_tools.training.recipe import Plan

Settings = TypeVar("Settings")


def planned_values(plan: Plan, approach: str) -> dict[str, Any]:
    """The settings as a mapping, nested."""
    return merged(resolve(plan.base, approach), nested(plan.values()))


def planned_settings(kind: type[Settings], plan: Plan, approach: str) -> Settings:
    """The settings, typed.

    Args:
        kind: settings class of the approach.
        plan: what the data decided.
        approach: "detect" or "classify".
    """
    return settings_from(kind, planned_values(plan, approach), f"the plan for {approach}")


def training_settings(
    kind: type[Settings],
    approach: str,
    given: Settings | None,
    decided: Plan | None,
    run: Path | str | None,
    resume: bool,
    decide: Callable[[], Plan],
) -> tuple[Settings, Plan | None]:
    """What a training takes: the settings given, else its run's own where it is resumed, else what the data decide.

    Args:
        kind: settings class of the approach.
        approach: "detect" or "classify".
        given: settings; None for none.
        decided: what the given ones come from, where they are a plan's.
        run: its folder.
        resume: whether to go on with the run there.
        decide: makes the plan where neither settings nor a run say anything.

    Returns:
        The settings, and the plan that they come from; None where they are none's.

    Raises:
        InputError: a setting that differs from the resumed run's; the message shows both values.
    """
    if resume and run is not None and (Path(run) / CONFIG).exists():
        return resumed_settings(kind, given, Path(run)), decided
    if given is not None:
        return given, decided
    plan = decide()
    return planned_settings(kind, plan, approach), plan
