"""Options that belong together reach a command as one object, not as a dozen parameters."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import fields
from typing import Any

Command = Callable[..., None]


def grouped(
    kind: type[Any], parameter: str, *options: Callable[[Command], Command]
) -> Callable[[Command], Command]:
    """Return a decorator that adds options to a command and passes them as one dataclass.

    Args:
        kind: A dataclass. Each of its fields takes the option (or argument) of the same name;
            a field without an option keeps its default.
        parameter: The command's parameter that receives the object.
        options: Decorators of click, in the order in which ``--help`` shows them.

    Example:
        >>> import click
        >>> from bench.execution.request import LimitChoice
        >>> @click.command()
        ... @grouped(LimitChoice, "limits", click.option("--epoch-s", type=float))
        ... def command(limits):
        ...     print(limits.epoch_s)
        >>> command.main(["--epoch-s", "3"], standalone_mode=False)
        3.0
    """

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def collected(*arguments: Any, **given: Any) -> None:
            mine = {f.name: given.pop(f.name) for f in fields(kind) if f.name in given}
            command(*arguments, **given, **{parameter: kind(**mine)})

        decorated: Command = collected
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate
