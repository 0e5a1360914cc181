"""`mobile-style`, and `python -m mobile_style`."""

import sys


def main() -> None:
    """The command line; Ctrl-C ends it in one line even while it is being loaded."""
    try:
        from .cli import app

        app(prog_name="mobile-style")
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":  # and not where a worker process of `bulk` imports it
    main()
