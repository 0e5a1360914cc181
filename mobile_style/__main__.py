"""`mobile-style`, and `python -m mobile_style`."""

import gc
import sys


def main() -> None:
    """The command line; Ctrl-C ends it in one line even while it is being loaded.

    Modules are 100,000 objects and no garbage: to search them for some takes a quarter of the time that a photo takes.
    """
    gc.disable()
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


if __name__ == "__main__":  # and not where a worker process of `bulk` imports it
    main()
