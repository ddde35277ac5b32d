"""A whole local Prometheus stack for tests: `Stack` starts it, and ends it.

    from promenade_stack import Stack

    with Stack() as stack:
        stack.push("nightly", "rows_total 42\\n")
        stack.scrape("pushgateway")
        stack.expect('rows_total{job="nightly"} == 42')

The standard library is all that it needs. `python -m promenade_stack` is the program itself.
"""
from ._program import ProgramMissing, program
from ._stack import Ended, Fault, NotMet, Refused, Sample, Stack, StartFailed, Target

__version__ = "0.1.0"
__all__ = ["Ended", "Fault", "NotMet", "ProgramMissing", "Refused", "Sample", "Stack", "StartFailed", "Target", "program", "__version__"]

# The short summary of pytest has a line for each failure: the place where a class stands would take the room of what it says.
for _name in __all__:
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = __name__
