"""The browser page: its files, its server, and the same as static files."""
