"""Where clean pictures come from."""
