"""The verbs, and what failures say. Run by Tests/Packages/run with the wheels installed; a user's tests look like these."""
import os
import re
import signal
import time

import pytest
from promenade_stack import Ended, NotMet, ProgramMissing, Refused, Sample, Stack, StartFailed, program

pytest_plugins = ["pytester"]


def test_a_push_is_scraped(promenade_stack):
    promenade_stack.push("nightly", "rows_total 42\n", db="a/b")
    promenade_stack.scrape("pushgateway")
    assert promenade_stack.query("rows_total") == [Sample({"__name__": "rows_total", "db": "a/b", "job": "nightly"}, 42)]
    assert promenade_stack.value("rows_total * 2") == 84
    promenade_stack.expect('rows_total{job="nightly"} == 42', "scalar(rows_total) > bool 1")
    promenade_stack.push("nightly", "other 1\n", add=True, db="a/b")
    promenade_stack.scrape()
    promenade_stack.expect("rows_total == 42", "other == 1")
    promenade_stack.delete("nightly", db="a/b")
    promenade_stack.scrape()
    assert promenade_stack.query("rows_total or other") == []


def test_time_passes_when_it_is_told_to(promenade_stack):
    app = promenade_stack.target("app", "jobs_total 5\n", labels={"zone": "x"}, scrape_interval="15s")
    start = promenade_stack.now
    assert promenade_stack.advance(30) == start + 30
    app.body = "jobs_total 8\n"
    promenade_stack.expect('jobs_total{job="app",zone="x"} == 8', within=20)
    promenade_stack.expect("increase(jobs_total[1m]) > 3")
    promenade_stack.remove("app")
    promenade_stack.advance(0.001)
    assert promenade_stack.query("jobs_total") == []


def test_faults_come_and_go(promenade_stack):
    app = promenade_stack.target("app", "rows 1\n", scrape_interval="5s")
    with promenade_stack.fault("status", job="app", status=503):
        promenade_stack.scrape("app")
        with pytest.raises(NotMet, match="server returned HTTP status 503 Service Unavailable"):
            promenade_stack.expect("rows == 1")
    promenade_stack.scrape("app")
    promenade_stack.expect("rows == 1")
    promenade_stack.fault("refused", job="app", target=app, times=1)
    promenade_stack.scrape("app")
    promenade_stack.expect('up{job="app"} == 0')
    promenade_stack.scrape("app")
    promenade_stack.expect('up{job="app"} == 1')
    fault = promenade_stack.fault("status", status=500)
    with pytest.raises(Refused) as refused:
        promenade_stack.push("nightly", "rows 1\n")
    assert refused.value.status == 500
    fault.clear()
    promenade_stack.push("nightly", "rows 1\n")
    app.close()
    promenade_stack.scrape("app")
    promenade_stack.expect('up{job="app"} == 0')


def test_a_refusal_has_the_servers_words(promenade_stack):
    with pytest.raises(Refused, match='expected float as value, got "many"'):
        promenade_stack.push("nightly", "rows_total many\n")
    with pytest.raises(Refused, match="unclosed left parenthesis"):
        promenade_stack.query("sum(up")
    # A wrong expression is no condition that does not hold.
    for within, notified in ((0, ()), (5, ()), (5, 'alertname="Down"')):
        with pytest.raises(Refused, match="unclosed left parenthesis") as refused:
            promenade_stack.expect("sum(up", within=within, notified=notified)
        assert refused.value.status == 400
    with pytest.raises(ValueError, match="answers a matrix"):
        promenade_stack.query("up[1m]")
    with pytest.raises(NotMet, match='push refused: .*got "many"'):
        promenade_stack.expect("rows_of_nobody")
    with pytest.raises(NotMet, match="no metric is called rows_of_nobody"):
        promenade_stack.value("rows_of_nobody")
    with pytest.raises(Refused, match="did you mean latency"):
        promenade_stack.fault("latancy", job="demo")
    with pytest.raises(TypeError):
        promenade_stack.expect()


def test_several_series_are_shown_where_one_was_meant(promenade_stack):
    promenade_stack.push("nightly", 'rows{x="é\\"a"} 1.5\nrows{x="b"} +Inf\n')
    promenade_stack.scrape()
    with pytest.raises(NotMet) as several:
        promenade_stack.value("sort(rows)")
    assert str(several.value) == ('sort(rows) answers 2 series; value() is for one:'
                                  '\n  rows{job="nightly", x="é\\"a"} 1.5\n  rows{job="nightly", x="b"} +Inf')
    assert str(Sample({"__name__": "rows"}, 2)) == "rows 2" and str(Sample({}, 0.5)) == "{} 0.5"
    promenade_stack.push("nightly", "".join(f'rows{{x="{n}"}} {n}\n' for n in range(12)))
    promenade_stack.scrape()
    with pytest.raises(NotMet, match=r'(?s)answers 12 series.*\n  {x="9"} 18\n  … and 2 more$'):
        promenade_stack.value('sort(sum by (x) (rows) * 2)')


def test_what_waits_to_be_scraped_is_told(promenade_stack):
    """The commonest mistake: a push, or a target, and no scrape."""
    for expression, words in (
        ('up{job="demo"}', r'the job demo was not scraped yet: scrape\("demo"\)'),
        ("up", r"the jobs demo, prometheus, pushgateway were not scraped yet: scrape\(\)"),
    ):
        with pytest.raises(NotMet, match=words):
            promenade_stack.expect(expression)
    promenade_stack.push("nightly", "rows_total 42\n", db="x")
    waits = r'the Pushgateway has rows_total{db="x", job="nightly"} (4[23]), pushed 2023-11-14T22:13:20Z and not scraped since: '\
            r'scrape\("pushgateway"\)'
    with pytest.raises(NotMet, match=waits):
        promenade_stack.expect("rows_total == 42")
    with pytest.raises(NotMet, match=waits):
        promenade_stack.value('rows_total{db="x"}')
    promenade_stack.scrape("pushgateway")
    promenade_stack.expect("rows_total == 42")
    # A newer value, at the same moment of a clock that stands still.
    with pytest.raises(NotMet) as stored:
        promenade_stack.expect("rows_total == 43")
    assert "not scraped" not in str(stored.value)
    promenade_stack.push("nightly", "rows_total 43\n", db="x")
    with pytest.raises(NotMet, match=waits):
        promenade_stack.expect("rows_total == 43")
    promenade_stack.target("app", "jobs_total 5\n")
    with pytest.raises(NotMet, match=r'the job app was not scraped yet: scrape\("app"\)'):
        promenade_stack.expect('jobs_total{job="app"}')


def test_the_url_of_opentelemetry(promenade_stack):
    assert re.fullmatch(r"http://(localhost|127\.0\.0\.1):\d+", promenade_stack.otlp)
    with pytest.raises(Refused, match="unsupported content type"):
        promenade_stack.request("POST", promenade_stack.otlp + "/v1/metrics", b"")
    # As docs/testing.md has it, where 4318 is left to others.
    with Stack(config='otlp: {listen: "127.0.0.1:0"}\n') as stack:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", stack.otlp) and not stack.otlp.endswith(":4318")


def test_somebody_is_told_of_an_alert(tmp_path):
    rules = tmp_path / "rules.yml"
    rules.write_text("groups: [{name: g, interval: 5s, rules: [{alert: Down, expr: 'up{job=\"app\"} == 0', for: 10s}]}]\n")
    with Stack(config=f"global: {{evaluation_interval: 5s}}\nrule_files: [{rules}]\n") as stack:
        stack.target("app", "rows 1\n", scrape_interval="5s")
        with stack.fault("refused", job="app"):
            with pytest.raises(NotMet, match="alertname=\"Up\""):
                stack.expect(notified='alertname="Up"', within=60)
            stack.expect('up{job="app"} == 0', notified=['alertname="Down"', 'job="app"'], within=60)
        with pytest.raises(NotMet):
            stack.expect(resolved='alertname="Down"')
        before = stack.now
        stack.expect(resolved='alertname="Down"', within=60)
        assert stack.now > before
        stack.begin()
        for condition in ({"notified": 'alertname="Down"'}, {"resolved": 'alertname="Down"'}):
            with pytest.raises(NotMet, match="nobody was told"):
                stack.expect(**condition)
        with pytest.raises(Refused, match="does not tell an alert by its labels"):
            stack.expect(notified='alertname=')


@pytest.mark.promenade("--no-demo.enabled", config="global: {external_labels: {site: here}}\n")
def test_a_marker_says_how_it_is_started(promenade_stack):
    assert promenade_stack.demo == ""
    assert "site: here" in promenade_stack.api("GET", "status/config")["yaml"]


@pytest.mark.promenade(clock="system")
def test_in_real_time(promenade_stack):
    promenade_stack.push("nightly", "rows_total 42\n")
    promenade_stack.scrape()
    promenade_stack.expect("rows_total == 42", within=5)
    with pytest.raises(Refused, match="manual"):
        promenade_stack.advance("1s")


@pytest.mark.parametrize("turn", [1, 2])
def test_a_session_shares_one(promenade, turn):
    if turn == 1:
        with pytest.raises(Refused):
            promenade.push("nightly", "broken {\n")
    with pytest.raises(NotMet) as failure:
        promenade.expect("rows_of_nobody")
    # The first test's own refused push is told to the first alone.
    assert ("push refused" in str(failure.value)) == (turn == 1)


def test_what_cannot_start_says_why(monkeypatch):
    with pytest.raises(StartFailed, match="scrape_intervall"):
        Stack(config="global: {scrape_intervall: 5s}\n")
    with pytest.raises(StartFailed, match="--web.listen-adress"):
        Stack("--web.listen-adress=x")


def test_the_program_is_of_this_version(tmp_path, monkeypatch):
    ours = program()
    monkeypatch.setenv("PROMENADE_BIN", "/nowhere")
    with pytest.raises(ProgramMissing, match="/nowhere"):
        program()
    for name, script, words in (("old", "echo promenade 0.0.9", "promenade 0.0.9"), ("mute", "exit 3", "ends with 3")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PROMENADE_BIN", str(tmp_path / name))
        with pytest.raises(ProgramMissing, match=f"{name} is no promenade .*{words}"):
            Stack()
    (tmp_path / "mine").symlink_to(ours)
    monkeypatch.setenv("PROMENADE_BIN", "mine")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert program() == str(tmp_path / "mine")
    (tmp_path / "brief").write_text("#!/bin/sh\n[ $1 = --version ] && exec mine --version\nexit 4\n")
    (tmp_path / "brief").chmod(0o755)
    monkeypatch.setenv("PROMENADE_BIN", "brief")
    with pytest.raises(StartFailed, match="brief ended with 4"):
        Stack()
    # One that never speaks, though a child of it holds its output open.
    (tmp_path / "silent").write_text("#!/bin/sh\n[ $1 = --version ] && exec mine --version\necho waiting >&2\nsleep 20\n")
    (tmp_path / "silent").chmod(0o755)
    monkeypatch.setenv("PROMENADE_BIN", "silent")
    start = time.monotonic()
    with pytest.raises(StartFailed, match="silent was not ready after 0.5 s:\nwaiting"):
        Stack(start_timeout=0.5)
    assert time.monotonic() - start < 15


def test_groupings_of_all_kinds(promenade_stack):
    odd = {"add": "x", "text": "..", "dot": ".", "shard": 3, "empty": "", "path": "a/b", "grouping": "é ?#%2F&=\n"}
    promenade_stack.push("..", "rows 1\n", odd)
    promenade_stack.push("nightly", "rows 2\n", {"db": "a"}, shard=1.5)
    promenade_stack.scrape()
    found = {sample.value: sample.labels for sample in promenade_stack.query("rows")}
    assert found[1].pop("__name__") == "rows"
    assert found[1] == {"job": "..", **{name: str(value) for name, value in odd.items() if value != ""}}
    assert found[2] == {"__name__": "rows", "job": "nightly", "db": "a", "shard": "1.5"}
    promenade_stack.delete("..", odd)
    promenade_stack.scrape()
    assert promenade_stack.value("rows") == 2
    with pytest.raises(TypeError, match="the label db is None"):
        promenade_stack.push("nightly", "rows 2\n", db=None)
    with pytest.raises(TypeError, match="add='x'"):
        promenade_stack.push("nightly", "rows 2\n", add="x")


def test_a_text_without_a_line_break_is_told(promenade_stack):
    for text in ("jobs_total 5", "jobs_total{x=\"y\"}", ""):
        with pytest.raises(ValueError, match="line break"):
            promenade_stack.target("app", text)


def test_the_time_that_passed_is_told(promenade_stack):
    start = promenade_stack.now
    with pytest.raises(NotMet, match=r"after 40000 ms, 41 attempts"):
        promenade_stack.expect("rows_of_nobody", within=40)
    assert promenade_stack.now == start + 40
    # What cannot be evaluated yet is waited for.
    with pytest.raises(NotMet, match="many-to-many|duplicate"):
        promenade_stack.advance(15)
        promenade_stack.expect("up * on() scrape_duration_seconds", within=1)


@pytest.mark.promenade(log_level="debug")
def test_a_stack_that_has_ended_says_so(promenade_stack):
    with pytest.raises(Refused):
        promenade_stack.push("nightly", "rows many\n")
    os.kill(promenade_stack._process.pid, signal.SIGKILL)
    for verb in (promenade_stack.scrape, lambda: promenade_stack.push("nightly", "rows 1\n"), lambda: promenade_stack.expect("up")):
        with pytest.raises(Ended, match=r"the stack has ended with signal 9:\n.*level="):
            verb()


def test_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    rules = tmp_path / "rules.yml"
    rules.write_text("groups: []\n")
    with Stack("--web.enable-lifecycle", config=f"global: {{external_labels: {{site: here}}}}\nrule_files: [{rules}]\n") as stack:
        pid = stack._process.pid
        # Not while it runs either, so that nothing has to be taken away where a test is killed; yet it can be read again.
        assert os.listdir(tmp_path) == ["rules.yml"]
        rules.write_text("groups: [{name: g, rules: [{record: one, expr: vector(1)}]}]\n")
        stack.request("POST", stack.prometheus + "/-/reload")
        assert [group["name"] for group in stack.api("GET", "rules")["groups"]] == ["g"]
        assert "site: here" in stack.api("GET", "status/config")["yaml"]
    assert os.listdir(tmp_path) == ["rules.yml"]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    stack.close()


def test_what_was_logged_can_be_read_when_it_is_closed():
    with Stack(log_level="debug") as stack:
        with pytest.raises(Refused):
            stack.push("nightly", "rows many\n")
        with stack.fault("refused", job="demo"):
            stack.scrape("demo")
        log = stack.log()
    assert stack.log().startswith(log)
    assert re.search(r'level=DEBUG msg="failed to parse text" err="text format parsing error in line 1: .*\\"many\\"" source=127', log)
    assert 'msg="Scrape failed"' in log
    # Nothing else is said, so that one sees what matters.
    assert len(log.splitlines()) == 2, log
    with pytest.raises(Ended, match="exit code 0"):
        stack.push("nightly", "rows 1\n")


def test_what_is_no_text_is_told(promenade_stack):
    # What client libraries make are bytes.
    promenade_stack.push("nightly", b"rows 1\n")
    for wrong in (
        lambda: promenade_stack.push("nightly", {"rows": 1}),
        lambda: promenade_stack.push("nightly", None),
        lambda: promenade_stack.target("app", b"rows 1\n"),
        lambda: Stack(config={"global": {}}),
        lambda: Stack(["--no-demo.enabled"]),
    ):
        with pytest.raises(TypeError, match=r"^(push|target|Stack)\(\).* is .*; it has to be a text"):
            wrong()


def test_a_failure_shows_words_near_misses_and_log(pytester):
    pytester.makepyfile("""
        def test_it(promenade_stack):
            promenade_stack.push("nightly", "rows_total 42\\n", db="x")
            promenade_stack.scrape()
            promenade_stack.expect('rows_total{db="y"}')
    """)
    result = pytester.runpytest_subprocess("--promenade-log", pytester.path, "--promenade-log-level=info")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*no series fits rows_total{db=\"y\"}; near misses:*", "*db is \"x\", not =\"y\"*",
                                 "*Log of the Promenade stack*", "nothing was logged at level info"])
    # The classes' place leaves room for what they say; the verb's own lines are none of the test's.
    assert "promenade_stack.NotMet: " in result.stdout.str() and "_stack.py" not in result.stdout.str()
    quiet = pytester.runpytest_subprocess()
    assert "Log of the Promenade stack" not in quiet.stdout.str()


def test_the_log_has_refused_pushes_and_failed_scrapes(pytester):
    pytester.makepyfile("""
        import contextlib
        import promenade_stack as library
        def test_it(promenade_stack):
            with contextlib.suppress(library.Refused):
                promenade_stack.push("nightly", "rows_total many\\n")
            with promenade_stack.fault("refused", job="demo"):
                promenade_stack.scrape("demo")
            assert False
    """)
    lines = ["*Log of the Promenade stack*", '*failed to parse text*got *many*', '*Scrape failed*connection refused*']
    pytester.runpytest_subprocess("--promenade-log").stdout.fnmatch_lines(lines)


def test_a_refusal_points_at_the_tests_line(pytester):
    pytester.makepyfile("""
        def test_push(promenade_stack):
            promenade_stack.push("nightly", "rows_total many\\n")
        def test_target(promenade_stack):
            promenade_stack.target("app", "jobs_total 5")
    """)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=2)
    assert "_stack.py" not in result.stdout.str()
    result.stdout.fnmatch_lines(["E *promenade_stack.Refused: PUT *"])


def test_what_fails_before_the_test_shows_the_log(pytester):
    pytester.makepyfile("""
        import pytest
        @pytest.fixture
        def app(promenade_stack):
            promenade_stack.expect("nope")
        def test_it(app): pass
        @pytest.mark.promenade("--no-such-flag")
        def test_never(promenade_stack): pass
        @pytest.mark.promenade(confg="global: {}")
        def test_misspelt(promenade_stack): pass
        @pytest.mark.promenade(config={})
        def test_mapping(promenade_stack): pass
    """)
    result = pytester.runpytest_subprocess("--promenade-log-level=error")
    result.assert_outcomes(errors=4)
    result.stdout.fnmatch_lines(["*Log of the Promenade stack*", "nothing was logged at level error"])
    text = result.stdout.str()
    assert len(re.findall("the stack did not start: promenade(-stack)?: unknown long flag", text)) == 1 and "another exception" not in text
    result.stdout.fnmatch_lines(["@pytest.mark.promenade has no confg; it has flags, and config, clock, log_level, start_timeout"])
    result.stdout.fnmatch_lines(["@pytest.mark.promenade: Stack(): config is {}; it has to be a text"])
    assert "plugin.py" not in text


def test_xdist_gives_each_worker_its_own(pytester):
    pytest.importorskip("xdist")
    pytester.makepyfile("""
        import pytest
        @pytest.mark.parametrize("n", range(8))
        def test_it(promenade, promenade_stack, n):
            for stack in (promenade, promenade_stack):
                stack.push("nightly", f"rows {n}\\n")
                stack.scrape()
                stack.expect(f"rows == {n}")
    """)
    pytester.runpytest_subprocess("-n", "2", "-p", "xdist").assert_outcomes(passed=8)
