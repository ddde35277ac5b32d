"""The verbs, and what failures say. Run by Tests/Packages/run with the wheels installed; a user's tests look like these."""
import os

import pytest
from promenade_stack import NotMet, ProgramMissing, Refused, Sample, Stack, StartFailed, program

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
    with pytest.raises(NotMet, match="unclosed left parenthesis"):
        promenade_stack.expect("sum(up")
    with pytest.raises(Refused, match="answers a matrix"):
        promenade_stack.query("up[1m]")
    with pytest.raises(NotMet, match='push refused: .*got "many"'):
        promenade_stack.expect("rows_of_nobody")
    with pytest.raises(NotMet, match="answers 3 series"):
        promenade_stack.scrape()
        promenade_stack.value("up")
    with pytest.raises(NotMet, match="no metric is called rows_of_nobody"):
        promenade_stack.value("rows_of_nobody")
    with pytest.raises(Refused, match="did you mean latency"):
        promenade_stack.fault("latancy", job="demo")
    with pytest.raises(TypeError):
        promenade_stack.expect()


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
        with pytest.raises(NotMet, match="does not tell an alert by its labels"):
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
    monkeypatch.setenv("PROMENADE_BIN", "/nowhere")
    with pytest.raises(ProgramMissing, match="/nowhere"):
        program()


def test_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Stack(config="global: {}\n") as stack:
        pid = stack._process.pid
    assert os.listdir(tmp_path) == []
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    stack.close()


def test_a_failure_shows_words_near_misses_and_log(pytester):
    pytester.makepyfile("""
        def test_it(promenade_stack):
            promenade_stack.push("nightly", "rows_total 42\\n", db="x")
            promenade_stack.scrape()
            promenade_stack.expect('rows_total{db="y"}')
    """)
    result = pytester.runpytest_subprocess("--promenade-log", pytester.path, "--promenade-log-level=debug")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*no series fits rows_total{db=\"y\"}; near misses:*", "*db is \"x\", not =\"y\"*",
                                 "*Log of the Promenade stack*", "*level=*"])
    quiet = pytester.runpytest_subprocess()
    assert "level=INFO" not in quiet.stdout.str() and "level=info" not in quiet.stdout.str()


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
