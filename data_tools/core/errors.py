"""The exceptions that mean "your input is wrong" or "the machine failed", as opposed to "the program is wrong"."""


class InputError(Exception):
    """Bad usage or bad input.

    The message is for the user: it names the file, line, key or id at fault and says what to do about it. Every
    command turns it into one line on stderr and exit status 2, without a traceback.
    """


class WeightsUnavailableError(InputError):
    """Pretrained weights that a network would bring could not be fetched; the same command may work another time."""


class WorkerLostError(Exception):
    """A process that shared the work was killed; the message says what is kept. Exit status 1, without a traceback."""
