"""Where exported models run: this machine, a phone, a browser, an emulated processor."""
