"""`python -m mobile_style`."""

from .cli import app

if __name__ == "__main__":  # and not where a worker process of `bulk` imports it
    app(prog_name="mobile-style")
