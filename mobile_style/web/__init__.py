"""The browser page: its files, its server, and its export as static files."""
