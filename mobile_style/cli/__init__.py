"""The command line: each command parses, calls one function of the package, and prints.

Only the command that is called is loaded, and heavy libraries are imported inside it.
"""

import io
import os
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ..errors import MobileStyleError, OutputError, missing_extra
from ..interrupts import ended_by_signals
from .terminal import say, with_flags

LONGEST = 300  # characters of an error that is nowhere foreseen
MODULES = {
    "dataset": "training",
    "proof": "training",
    "train": "training",
    "add-styles": "training",
    "stylize": "painting",
    "bulk": "painting",
    "evaluate": "training",
    "export": "exporting",
    "validate": "exporting",
    "lint": "exporting",
    "bundle": "exporting",
    "benchmark": "benchmarking",
    "compare": "benchmarking",
    "find-size": "benchmarking",
    "serve": "web",
    "models": "painting",
}
LOOKS: dict[str, Any] = {"rich_markup_mode": "markdown", "pretty_exceptions_enable": False, "add_completion": False}


class _Loading(Mapping[str, Any]):
    """The commands by name, each loaded when it is asked for."""

    def __iter__(self) -> Iterator[str]:
        return iter(MODULES)

    def __len__(self) -> int:
        return len(MODULES)

    def __getitem__(self, name: str) -> Any:
        return _command(name, MODULES[name])


@cache
def _command(name: str, module: str) -> Any:
    alone = typer.Typer(**LOOKS)
    alone.command(name)(getattr(import_module(f".{module}", __package__), name.replace("-", "_")))
    return typer.main.get_command(alone)


class _Commands(TyperGroup):
    """Turns every error into one line and an exit code."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Loading()  # type: ignore[assignment]  # (nothing is added to them)

    def invoke(self, ctx: Any) -> Any:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="surrogateescape")  # names of files in any encoding
        if os.environ.get("MOBILE_STYLE_DEBUG"):
            return super().invoke(ctx)
        try:
            with ended_by_signals():
                return super().invoke(ctx)
        except (typer.Abort, BrokenPipeError):  # for typer, which ends the process
            raise
        except MobileStyleError as error:
            self._fail(ctx, error)
        except OSError as error:  # a full disk in the middle of a run, say
            place = error.filename or "reading or writing failed"
            self._fail(ctx, OutputError(f"{place}: {error.strerror or error}"))
        except MemoryError:
            self._fail(ctx, MobileStyleError("there is not enough memory; try a smaller `size`, or fewer at a time"))
        except ModuleNotFoundError as error:
            if (advice := missing_extra(error)) is None:
                raise
            self._fail(ctx, advice)
        except KeyboardInterrupt:
            say("stopped")
            raise typer.Exit(130) from None
        except Exception as error:
            if hasattr(error, "exit_code"):  # typer's own, such as of a flag that it does not know
                raise
            text = f"{type(error).__name__}: {error}".splitlines()[0][:LONGEST]
            hint = "this is a fault of mobile-style; MOBILE_STYLE_DEBUG=1 shows where"
            self._fail(ctx, MobileStyleError(f"{text} ({hint})"))

    def _fail(self, ctx: Any, error: MobileStyleError) -> None:
        command = self.get_command(ctx, ctx.invoked_subcommand) if ctx.invoked_subcommand else None
        say(f"error: {with_flags(str(error), command)}", "red")
        raise typer.Exit(error.exit_code)


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    **LOOKS,
    help="From a painting to a real-time filter on a phone: fast neural style transfer.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"mobile-style {version('mobile-style')}")
        raise typer.Exit


@app.callback()
def _main(
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    pass
