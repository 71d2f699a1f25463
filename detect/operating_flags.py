"""The flags that choose an operating point: a target escape rate, or what mistakes cost."""

from jsonargparse import ArgumentParser, Namespace

from data_tools.core.errors import InputError
from data_tools.metrics.operating_point import DEFAULT_RULE, Costs, EscapeRate, Rule


def add_operating_point(parser: ArgumentParser) -> None:
    """Add --escape_rate, --escape_cost and --overkill_cost."""
    parser.add_argument(
        "--escape_rate",
        type=float | None,
        default=None,
        help="share of the validation defects that the threshold may let escape "
        f"(default: {DEFAULT_RULE.escape_rate:g})",
    )
    parser.add_argument(
        "--escape_cost",
        type=float | None,
        default=None,
        help="cost of a defect image that is passed; with --overkill_cost and in place of --escape_rate: the threshold "
        "that costs least on validation, at its share of defects (of equal costs the lower threshold)",
    )
    parser.add_argument(
        "--overkill_cost",
        type=float | None,
        default=None,
        help="cost of a good image that is flagged, in the same unit",
    )


def operating_rule(arguments: Namespace) -> Rule:
    """What the flags ask for.

    Raises:
        InputError: one cost without the other, costs beside an escape rate, or numbers that are none of these.
    """
    rate, escape, overkill = arguments.escape_rate, arguments.escape_cost, arguments.overkill_cost
    if escape is None and overkill is None:
        return DEFAULT_RULE if rate is None else EscapeRate(rate)
    if escape is None or overkill is None:
        given, other = ("escape", "overkill") if overkill is None else ("overkill", "escape")
        raise InputError(f"--{given}_cost: needs --{other}_cost, too; only their ratio chooses a threshold")
    if rate is not None:
        raise InputError("--escape_rate: give either a rate or costs, which choose the rate themselves")
    return Costs(escape, overkill)
