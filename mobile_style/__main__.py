"""`mobile-style`, and `python -m mobile_style`."""

import atexit
import gc
import os
import sys


def main() -> None:
    """The command line; Ctrl-C ends it in one line even while it is being loaded.

    Modules are 100,000 objects and no garbage: to search them for some, and to take them apart at the end, takes a
    third of the time that a photo takes.
    """
    gc.disable()
    _open_streams()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's threads wait in a busy loop, and have little to do
    status = 1
    atexit.register(lambda: _end_at_once(status))  # the first to be registered is the last to be called
    try:
        from .cli import app

        gc.freeze()
        gc.enable()
        app(prog_name="mobile-style")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        status = 130
        sys.exit(status)


def _end_at_once(status: int) -> None:
    """Ends the process with what is left in it, as nothing has to be saved any more."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        return  # for Python, which says it
    os._exit(status)


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
