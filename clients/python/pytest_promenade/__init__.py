"""Fixtures of pytest: a Prometheus stack for each test (`promenade_stack`), or one for all (`promenade`)."""

__version__ = "0.1.0"

# The wheel asks no registry for promenade-stack, where nobody has that name yet and anybody may take it; so it is looked for here.
try:
    import promenade_stack
except ModuleNotFoundError:
    _found = ""
else:
    _found = promenade_stack.__version__
# Why there can be no stack; empty where there can. Tests that ask for none do without the program.
PROBLEM = "" if _found == __version__ else (
    f"pytest-promenade {__version__} needs promenade-stack {__version__}"
    + (f", not {_found}" if _found else "")
    + f": pip install the file promenade_stack-{__version__}-….whl, which is made with it"
)
