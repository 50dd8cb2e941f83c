"""Options reach a command as objects."""

from __future__ import annotations

import doctest

import click
import pytest
from click.testing import CliRunner

from bench.commands import options
from bench.commands.options import grouped
from bench.commands.run import LIMITS, OUTPUT, WHAT, WHERE, run
from bench.execution.request import BackendChoice, LimitChoice, Output, RunChoice


def test_the_example_is_right() -> None:
    assert doctest.testmod(options).failed == 0


def test_two_groups_share_a_command_and_help_keeps_their_order() -> None:
    got = []

    @click.command()
    @grouped(RunChoice, "what", click.argument("matrix_name"), click.option("--seeds", default="3"))
    @grouped(LimitChoice, "limits", click.option("--epoch-s", type=float))
    @click.option("--loud", is_flag=True)
    def command(what: RunChoice, limits: LimitChoice, loud: bool) -> None:
        got.append((what, limits, loud))

    runner = CliRunner()
    assert runner.invoke(command, ["paper", "--epoch-s", "2", "--loud"]).exit_code == 0
    assert got == [(RunChoice("paper", seeds="3"), LimitChoice(epoch_s=2.0), True)]
    shown = runner.invoke(command, ["--help"]).output
    assert shown.index("--seeds") < shown.index("--epoch-s") < shown.index("--loud")


@pytest.mark.parametrize(
    ("kind", "group"),
    [(RunChoice, WHAT), (BackendChoice, WHERE), (LimitChoice, LIMITS), (Output, OUTPUT)],
)
def test_every_field_of_a_request_has_its_option(kind: type, group: tuple[object, ...]) -> None:
    names = {parameter.name for parameter in run.params}
    assert set(kind.__dataclass_fields__) <= names
    assert len(kind.__dataclass_fields__) == len(group)
