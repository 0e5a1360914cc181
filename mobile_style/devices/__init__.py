"""Where exported models run: this machine, its GPU, a phone, a browser, an emulated processor."""
