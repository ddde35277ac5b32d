"""The plugin: pytest finds it by its entry point."""
from __future__ import annotations

import inspect
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from . import PROBLEM

if TYPE_CHECKING or not PROBLEM:
    from promenade_stack import ProgramMissing, Stack, StartFailed

_STACK = pytest.StashKey["Stack"]()
_SESSION = pytest.StashKey["Stack | None"]()
# Lines of the log that are shown without being asked for.
_SHOWN = 20
# What a marker may say of a stack besides its flags.
_WORDS = [] if PROBLEM else [name for name, parameter in inspect.signature(Stack).parameters.items() if parameter.kind is parameter.KEYWORD_ONLY]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("promenade", "a Prometheus stack for tests")
    # Two options: one with a value that may be left out would take a file that follows for it.
    group.addoption(
        "--promenade-log", action="store_true",
        help="show the stack's whole log where a test fails, refused pushes and failed scrapes, too, not only its last complaints")
    group.addoption(
        "--promenade-log-level", choices=["debug", "info", "warn", "error"], metavar="LEVEL",
        help="the same, with what is logged at this level: debug (the default), info, warn or error")
    parser.addini("promenade_flags", "flags of promenade run for every stack", type="args", default=[])


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", f"promenade(*flags, {', '.join(_WORDS)}): how the stack of the fixture promenade_stack is started")
    config.stash[_SESSION] = None


def _level(config: pytest.Config) -> str | None:
    """What is asked for of the log; None where nothing is."""
    level: str | None = config.getoption("--promenade-log-level")
    return level or ("debug" if config.getoption("--promenade-log") else None)


def _start(pytestconfig: pytest.Config, /, *flags: str, **settings: Any) -> Stack:
    if PROBLEM:
        pytest.fail(PROBLEM, pytrace=False)
    unknown = [name for name in settings if name not in _WORDS]
    if unknown:
        pytest.fail(f"@pytest.mark.promenade has no {', '.join(unknown)}; it has flags, and {', '.join(_WORDS)}", pytrace=False)
    settings = {"log_level": _level(pytestconfig) or "warn", **settings}
    try:
        return Stack(*pytestconfig.getini("promenade_flags"), *flags, **settings)
    except (ProgramMissing, StartFailed) as error:
        problem = str(error)
    except TypeError as error:
        problem = f"@pytest.mark.promenade: {error}"
    # Behind the `except`, as pytest would tell the same once more as its cause.
    pytest.fail(problem, pytrace=False)


@pytest.fixture(scope="session")
def promenade(pytestconfig: pytest.Config) -> Iterator[Stack]:
    """A stack that all tests of a session share (with pytest-xdist: of a worker)."""
    with _start(pytestconfig) as stack:
        pytestconfig.stash[_SESSION] = stack
        yield stack
    pytestconfig.stash[_SESSION] = None


@pytest.fixture
def promenade_stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """A stack for one test. `@pytest.mark.promenade("--flag=value", config="…")` says how it is started."""
    marker = request.node.get_closest_marker("promenade")
    with _start(request.config, *(marker.args if marker else ()), **(marker.kwargs if marker else {})) as stack:
        request.node.stash[_STACK] = stack
        yield stack


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """What tests before this one pushed is none of its business."""
    stack = item.config.stash[_SESSION]
    if stack is not None and "promenade" in getattr(item, "fixturenames", ()):
        stack.begin()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure tells what the stack has logged."""
    report = yield
    if report.when != "teardown" and report.failed:
        stacks = [item.stash[_STACK]] if _STACK in item.stash else []
        shared = item.config.stash[_SESSION]
        if shared is not None and "promenade" in getattr(item, "fixturenames", ()):
            stacks.append(shared)
        for stack in stacks:
            lines = stack.log().splitlines()
            if _level(item.config) is None:
                lines = lines[-_SHOWN:]
            elif not lines:
                lines = [f"nothing was logged at level {_level(item.config)}"]
            if lines:
                report.sections.append(("Log of the Promenade stack", "\n".join(lines)))
    return report
