"""The command line: each command parses, calls one function of the package, and prints.

Heavy libraries are imported inside the commands, so that `--help` answers at once.
"""

import io
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ..errors import MobileStyleError, OutputError, missing_extra
from ..interrupts import ended_by_signals
from . import benchmarking, exporting, painting, training, web
from .terminal import say, with_flags

LONGEST = 300  # characters of an error that is nowhere foreseen


class _Commands(TyperGroup):
    """Turns every error into one line and an exit code."""

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
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
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


for _command in (
    training.dataset,
    training.proof,
    training.train,
    training.add_styles,
    painting.stylize,
    painting.bulk,
    training.evaluate,
    exporting.export,
    exporting.validate,
    exporting.lint,
    exporting.bundle,
    benchmarking.benchmark,
    benchmarking.compare,
    benchmarking.find_size,
    web.serve,
    painting.models,
):
    app.command()(_command)
