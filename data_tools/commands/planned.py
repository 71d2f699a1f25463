"""A plan's settings: the decisions laid over the configuration that it starts from."""

from typing import Any, TypeVar

from data_tools.commands.configurations import merged, resolve
from data_tools.commands.settings import nested, settings_from
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
