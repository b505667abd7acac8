"""How tasks are run: in this process, or in several."""
