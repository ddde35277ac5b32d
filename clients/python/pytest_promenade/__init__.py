"""Fixtures of pytest: a Prometheus stack for each test (`promenade_stack`), or one for all (`promenade`)."""

__version__ = "0.1.0"
