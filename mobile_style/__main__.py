"""`mobile-style`, and `python -m mobile_style`."""

import gc
import os
import sys


def main() -> None:
    """The command line; Ctrl-C ends it in one line even while it is being loaded.

    Modules are 100,000 objects and no garbage: to search them for some takes a quarter of the time that a photo takes.
    """
    gc.disable()
    _open_streams()
    try:
        from .cli import app

        gc.freeze()
        gc.enable()
        app(prog_name="mobile-style")
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)
    finally:
        gc.freeze()


def _open_streams() -> None:
    """Opens /dev/null for what was closed of standard input, output and error, or a picture could take its place."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115 (until the process ends)


if __name__ == "__main__":  # and not where a worker process of `bulk` imports it
    main()
