"""The plugin: pytest finds it by its entry point."""
from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, Optional

import pytest
from promenade_stack import ProgramMissing, Stack, StartFailed

_STACK = pytest.StashKey[Stack]()
_SESSION = pytest.StashKey[Optional[Stack]]()
# Lines of the log that are shown without being asked for.
_SHOWN = 20


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("promenade", "a Prometheus stack for tests")
    group.addoption(
        "--promenade-log", nargs="?", const="info", default=None, choices=["debug", "info", "warn", "error"], metavar="LEVEL",
        help="show the stack's whole log of this level (info) where a test fails; without it, its last complaints")
    parser.addini("promenade_flags", "flags of promenade run for every stack", type="args", default=[])


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "promenade(*flags, config=None, clock='manual'): how the stack of the fixture promenade_stack is started")
    config.stash[_SESSION] = None


def _start(pytestconfig: pytest.Config, /, *flags: str, **settings: Any) -> Stack:
    level = pytestconfig.getoption("--promenade-log") or "warn"
    try:
        return Stack(*pytestconfig.getini("promenade_flags"), *flags, log_level=level, **settings)
    except (ProgramMissing, StartFailed) as error:
        pytest.fail(str(error), pytrace=False)


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
    if report.when == "call" and report.failed:
        stacks = [item.stash[_STACK]] if _STACK in item.stash else []
        shared = item.config.stash[_SESSION]
        if shared is not None and "promenade" in getattr(item, "fixturenames", ()):
            stacks.append(shared)
        for stack in stacks:
            lines = stack.log().splitlines()
            if item.config.getoption("--promenade-log") is None:
                lines = lines[-_SHOWN:]
            if lines:
                report.sections.append(("Log of the Promenade stack", "\n".join(lines)))
    return report
