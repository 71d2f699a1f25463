"""Where the flags say that each record of a watch is sent as well."""

from jsonargparse import Namespace

from data_tools.commands.delivery import Sink
from data_tools.commands.mqtt import Mqtt
from data_tools.commands.parser import Parser
from data_tools.commands.webhook import Webhook
from data_tools.core.errors import InputError

_KINDS: dict[str, type[Webhook] | type[Mqtt]] = {"webhook": Webhook, "mqtt": Mqtt}
"""By name of the flag."""
_HELP = {
    "webhook": "with --watch: also POST each line to this http or https address, as JSON, in order and at least once; "
    "OUT.webhook.unsent remembers what was delivered, over restarts. @FILE has the address read from a file, so that "
    "the list of processes shows no password",
    "mqtt": "the same for a topic of an MQTT broker, mqtt://HOST[:PORT]/TOPIC or mqtts://..., or @FILE (pip install "
    "paho-mqtt); OUT.mqtt.unsent remembers what was delivered",
}


def add_sink_arguments(parser: Parser) -> None:
    """A flag for each kind of sink."""
    for name, text in _HELP.items():
        parser.add_argument(f"--{name}", type=str | None, default=None, metavar="URL", help=text)


def sinks_of(arguments: Namespace) -> list[Sink]:
    """The sinks that the flags name.

    Raises:
        InputError: an unusable address, or records that are not of a watch.
    """
    given = [name for name in _KINDS if getattr(arguments, name) is not None]
    sinks: list[Sink] = [_KINDS[name](getattr(arguments, name)) for name in given]
    if given and arguments.watch is None:
        raise InputError(f"--{given[0]} is for --watch DIR: give both")
    return sinks
