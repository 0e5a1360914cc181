"""`python -m mobile_style`."""

from .cli import app

app(prog_name="mobile-style")
