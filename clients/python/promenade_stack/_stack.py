"""A stack on free ports, with the verbs of a test."""
from __future__ import annotations

import http.client
import http.server
import json
import math
import os
import re
import selectors
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ._program import program

# A server of this machine is never asked through a proxy.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# Seconds until a server that does not answer is given up.
_PATIENCE = 60
# Series of an answer that are shown where one was meant.
_SHOWN = 10


class Refused(OSError):
    """A server said no. The text is the server's own; `status` is the HTTP status."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


class NotMet(AssertionError):
    """A condition does not hold. The text tells what was seen instead, and what is near."""


class StartFailed(OSError):
    """The stack did not start. The text is the program's own."""


class Ended(OSError):
    """The stack's process is no more. The text tells how it ended, and what it logged."""


def __tracebackhide__(info: Any) -> bool:
    """pytest shows the test's line where a verb says no, not the verb's own lines; anything else is shown whole."""
    return info is None or isinstance(info.value, (Refused, NotMet, StartFailed, Ended, TypeError, ValueError))


class Sample(NamedTuple):
    """A series of an answer and its value."""

    labels: dict[str, str]
    value: float

    def __str__(self) -> str:
        labels = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}"
                           for name, value in sorted(self.labels.items()) if name != "__name__")
        number = f"{self.value:+}" if math.isinf(self.value) else repr(self.value)
        number = number.replace("inf", "Inf").replace("nan", "NaN")
        name = self.labels.get("__name__", "")
        series = f"{name}{{{labels}}}" if labels or not name else name
        return f"{series} {number[:-2] if number.endswith('.0') else number}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Target

    def do_GET(self) -> None:
        body = self.server.body.encode()
        self.send_response(200)
        self.send_header("Content-Type", self.server.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Target(http.server.ThreadingHTTPServer):
    """A target that lives in the test: it exposes `body`, which the test changes as it likes."""

    daemon_threads = True

    def __init__(self, body: str, content_type: str = "text/plain; version=0.0.4; charset=utf-8") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.body = body
        self.content_type = content_type
        #: `host:port`, which is its label `instance` too.
        self.address = f"127.0.0.1:{self.server_address[1]}"
        self._closing = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        # serve_forever looks every half second whether it should end; a test has no time for that.
        while True:
            try:
                connection, address = self.socket.accept()
            except OSError:
                return
            if self._closing:
                connection.close()
                return
            self.process_request(connection, address)

    def close(self) -> None:
        """Ends it; a scrape is refused from now on."""
        if self._closing:
            return
        self._closing = True
        try:
            socket.create_connection(("127.0.0.1", self.server_address[1]), timeout=5).close()
        except OSError:
            pass
        self._thread.join(5)
        self.server_close()


class Fault:
    """What goes wrong until `clear()`, or until a `with` ends."""

    def __init__(self, stack: Stack, path: str, parameters: dict[str, str]) -> None:
        self._stack, self._path, self._parameters = stack, path, parameters

    def clear(self) -> None:
        """Makes everything well again."""
        self._stack.api("DELETE", self._path, **self._parameters)

    def __enter__(self) -> Fault:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()


class Stack:
    """A whole stack on free ports, samples in memory. It ends with `close()`, and with this process.

    Time stands still and passes only by `advance()`, so that nothing depends on how fast a test runs; `clock="system"` makes a stack
    in real time.

    `config` is the text of a configuration (a prometheus.yml), `flags` are those of `promenade run`. Raises `StartFailed` with the
    program's own words, or when it is not ready in `start_timeout` seconds. With `log_level="debug"`, `log()` has refused pushes and
    failed scrapes, too.
    """

    def __init__(self, *flags: str, config: str | None = None, clock: str = "manual", log_level: str = "warn",
                 start_timeout: float = _PATIENCE) -> None:
        for flag in flags:
            _text("Stack(): a flag", flag)
        if config is not None:
            _text("Stack(): config", config)
        if not isinstance(start_timeout, (int, float)):
            raise TypeError(f"Stack(): start_timeout is {start_timeout!r}; it has to be a number of seconds")
        self.clock = clock
        self._targets: list[Target] = []
        self._pushes = 0
        self._notices = 0
        self._log = tempfile.TemporaryFile()
        self._logged = ""
        self._config: str | None = None
        arguments = ["run", "--test", f"--clock={clock}", f"--log.level={log_level}"]
        passed: list[int] = []
        try:
            self._program = program()
            if config is not None:
                passed, path = self._written(config)
                arguments.append(f"--config.file={path}")
            # What shapes other stacks of this machine is none of a test's.
            environment = {name: value for name, value in os.environ.items() if name != "PROMENADE_RUN_FLAGS"}
            self._process = subprocess.Popen(
                [self._program, *arguments, *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, pass_fds=passed,
                env=environment)
        except BaseException:
            self._forget()
            raise
        finally:
            for descriptor in passed:
                os.close(descriptor)
        line, is_late = self._first_line(start_timeout)
        try:
            urls = json.loads(line)
        except ValueError:
            if is_late:
                self._process.kill()
            self._end()
            text = self.log().strip() or line.decode(errors="replace").strip()
            self._forget()
            if is_late:
                said = f":\n{text}" if text else ", and said nothing"
                raise StartFailed(f"the stack did not start: {self._program} was not ready after {start_timeout:g} s{said}") from None
            text = text or f"{self._program} ended with {self._process.returncode}, and said nothing"
            raise StartFailed(f"the stack did not start: {text}") from None
        #: The servers' URLs; empty where there is none. `otlp` is a value of OTEL_EXPORTER_OTLP_ENDPOINT.
        self.prometheus: str = urls["prometheus"]
        self.pushgateway: str = urls.get("pushgateway", "")
        self.demo: str = urls.get("demo", "")
        self.otlp: str = urls.get("otlp", "")

    def __enter__(self) -> Stack:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the stack and the targets that were made for it."""
        for target in self._targets:
            target.close()
        self._targets.clear()
        self._end()
        self._forget()

    def _first_line(self, seconds: float) -> tuple[bytes, bool]:
        """What the program says first, as far as it came, and whether the time was over."""
        assert self._process.stdout is not None
        output, line = self._process.stdout.fileno(), b""
        end = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(0, end - time.monotonic())):
                    return line, True
                part = os.read(output, 65536)
                if not part:
                    break
                line += part
        return line, False

    def _end(self) -> None:
        process = self._process
        if process.stdin is not None and not process.stdin.closed:
            process.stdin.close()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def _written(self, config: str) -> tuple[list[int], str]:
        """A configuration as a file: descriptors for the program, and the path by which it reads (and reloads) it."""
        if os.path.isdir("/proc/self/fd"):
            # A file without a name leaves nothing behind, however the test ends.
            with tempfile.TemporaryFile() as unnamed:
                unnamed.write(config.encode())
                unnamed.flush()
                descriptor = os.dup(unnamed.fileno())
            return [descriptor], f"/proc/self/fd/{descriptor}"
        named, self._config = tempfile.mkstemp(suffix=".yml", prefix="promenade-")
        with os.fdopen(named, "w", encoding="utf-8") as file:
            file.write(config)
        return [], self._config

    def _forget(self) -> None:
        self._logged = self.log()
        self._log.close()
        if self._config is not None and os.path.exists(self._config):
            os.unlink(self._config)

    # The verbs.

    def push(self, job: str, text: str | bytes, grouping: Mapping[str, object] | None = None, *, add: bool = False,
             **labels: object) -> None:
        """Pushes a group: replaces it (PUT), with `add` only the metrics of the same names (POST). Raises `Refused`.

        The text may be bytes, as client libraries make it.
        The grouping's labels are keywords, or a mapping where one is called as a parameter is: `push("n", text, {"add": "x"})`.
        """
        if not isinstance(add, bool):
            raise TypeError(f"add={add!r}: it is True or False; a label of this name is given as push(job, text, {{'add': …}})")
        body = text if isinstance(text, bytes) else _text("push(): what is pushed", text).encode()
        self.request("POST" if add else "PUT", self._group(job, grouping, labels), body)

    def delete(self, job: str, grouping: Mapping[str, object] | None = None, **labels: object) -> None:
        """Deletes a group of the Pushgateway; one that is not there, too, as the Pushgateway does."""
        self.request("DELETE", self._group(job, grouping, labels))

    def _group(self, job: str, grouping: Mapping[str, object] | None, labels: dict[str, object]) -> str:
        if grouping is not None and not isinstance(grouping, Mapping):
            raise TypeError(f"a grouping is a mapping of labels, not {grouping!r}")
        path = _label("job", job) + "".join(_label(name, value) for name, value in {**(grouping or {}), **labels}.items())
        return f"{self.pushgateway}/metrics{path}"

    def scrape(self, job: str = "") -> None:
        """Scrapes the targets of a job now, of all jobs without a name; the samples can be queried when it returns."""
        self.api("POST", "scrape", job=job, wait="true")

    def query(self, expression: str) -> list[Sample]:
        """What an expression answers now. Raises `Refused` with the server's words about a wrong one, `ValueError` where the answer is no
        series with one value each."""
        data = self.api("POST", "query", query=expression)
        if data["resultType"] == "scalar":
            return [Sample({}, float(data["result"][1]))]
        if data["resultType"] != "vector":
            raise ValueError(f"{expression} answers a {data['resultType']}; query() is for series with one value each")
        for row in data["result"]:
            if "value" not in row:
                raise ValueError(f"{expression}: {row['metric']} is a native histogram; ask for histogram_count() and the like")
        return [Sample(row["metric"], float(row["value"][1])) for row in data["result"]]

    def value(self, expression: str) -> float:
        """The value of an expression that answers one series. Raises `NotMet` where it answers none, or several."""
        samples = self.query(expression)
        if len(samples) == 1:
            return samples[0].value
        if not samples:
            raise NotMet(self._complaint(0, [expression]) or f"{expression} answers nothing")
        rest = len(samples) - _SHOWN
        lines = [str(sample) for sample in samples[:_SHOWN]] + ([f"… and {rest} more"] if rest > 0 else [])
        raise NotMet(f"{expression} answers {len(samples)} series; value() is for one:" + "".join("\n  " + line for line in lines))

    def expect(self, *expressions: str, within: float = 0, notified: str | Iterable[str] = (),
               resolved: str | Iterable[str] = ()) -> None:
        """Returns when each condition held once; lets up to `within` seconds pass for it, on the manual clock without waiting.

        A condition holds as soon as it answers a series, or a number that is neither 0 nor NaN; `notified='alertname="Down"'` as soon
        as somebody was told that such an alert fires, `resolved` that it is over. Raises `NotMet`, which tells what was seen instead,
        near misses, failed scrapes and refused pushes, and `Refused` where a condition is wrong in itself.
        """
        notices = _notices("--notified", notified) + _notices("--resolved", resolved)
        if not expressions and not notices:
            raise TypeError("expect() needs a condition")
        # What holds already needs no process that asks.
        missing = self._not_holding(expressions)
        complaint = self._complaint(within, missing, notices) if missing or notices else ""
        if complaint:
            raise NotMet(complaint)

    def target(self, job: str, target: str | Target, labels: dict[str, str] | None = None, **config: Any) -> Target:
        """Adds a target to a job (a new one, or one that is there), and returns it; its `body` can be changed.

        `target` is what it exposes (a text with a line break), or the `host:port` of a server. What is passed besides is the job's
        configuration: `scrape_interval="5s"`. A job that has none is due when its interval has passed; `scrape()` does not wait.
        """
        if not isinstance(target, Target):
            _text("target(): a target", target)
        if isinstance(target, str) and "\n" in target:
            target = Target(target)
            self._targets.append(target)
        elif isinstance(target, str) and (not target or re.search(r"[\s{}\"]", target)):
            raise ValueError(f"{target!r} is no host:port; a text that a target exposes ends with a line break")
        address = target.address if isinstance(target, Target) else target
        body: dict[str, Any] = {"targets": [address], "labels": labels or {}}
        if config:
            body["config"] = config
        self.api("POST", "targets/" + urllib.parse.quote(job, safe=""), body)
        return target if isinstance(target, Target) else _Elsewhere(address)

    def remove(self, job: str, target: Target | str | None = None) -> None:
        """Ends a target, or the whole job; its series are stale from the next moment on: on the manual clock, after an `advance`."""
        address = target.address if isinstance(target, Target) else target
        self.api("DELETE", "targets/" + urllib.parse.quote(job, safe=""), **({"target": address} if address else {}))

    def fault(self, fault: str, job: str = "", *, target: Target | str | None = None, **settings: Any) -> Fault:
        """Lets the scrapes of a job go wrong, of one target of it, or (without a job) pushes, until the fault is cleared.

        `stack.fault("status", job="app", status=503, times=2)`; the faults are those of docs/fixture.md.
        """
        path = "faults/targets/" + urllib.parse.quote(job, safe="") if job else "faults/pushgateway"
        address = target.address if isinstance(target, Target) else target
        parameters = {"target": address} if address else {}
        self.api("PUT", path, {"fault": fault, **settings}, **parameters)
        return Fault(self, path, parameters)

    def advance(self, seconds: float | str) -> float:
        """Lets time pass (`30`, `"1m"`): every scrape and rule that falls due is done when it returns. Returns the time."""
        duration = seconds if isinstance(seconds, str) else f"{round(seconds * 1000)}ms"
        return float(self.api("POST", "clock", advance=duration)["now"])

    @property
    def now(self) -> float:
        """The stack's time, in seconds since 1970."""
        return float(self.api("GET", "clock")["now"])

    # What the verbs are made of.

    def begin(self) -> None:
        """A test begins that shares the stack: refused pushes and notices of those before it are none of its business."""
        notices = self.api("GET", "inbox")["notices"]
        self._notices = max((notice["number"] for notice in notices), default=0)
        if self.pushgateway:
            pushes = json.loads(self.request("GET", f"{self.pushgateway}/api/v1/pushes"))["data"]
            self._pushes = max((push["number"] for push in pushes), default=0)

    def log(self) -> str:
        """What the program has logged so far; after `close()`, all that it logged."""
        if self._log.closed:
            return self._logged
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def api(self, method: str, path: str, body: object = None, **parameters: str) -> Any:
        """The data of an answer of the Prometheus server's API. Raises `Refused`."""
        query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
        url = f"{self.prometheus}/api/v1/{path}{query}"
        return json.loads(self.request(method, url, None if body is None else json.dumps(body).encode()))["data"]

    def request(self, method: str, url: str, body: bytes | None = None) -> bytes:
        """The body of an answer. Raises `Refused` with the server's own words where the status is not 2xx."""
        request = urllib.request.Request(url, method=method, data=body)
        try:
            with _OPENER.open(request, timeout=_PATIENCE) as response:
                answer: bytes = response.read()
                return answer
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace").strip()
            status, reason = error.code, error.reason
            error.close()
        except (OSError, http.client.HTTPException):
            self._check_it_lives()
            raise
        try:
            text = json.loads(text)["error"]
        except (ValueError, KeyError, TypeError):
            pass
        raise Refused(f"{method} {url}: {status} {reason}: {text}", status)

    def _check_it_lives(self) -> None:
        """Where nobody answers: is there a process still? One that is killed may take a moment to be gone."""
        try:
            code = self._process.wait(1)
        except subprocess.TimeoutExpired:
            return
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        log = self.log().strip()
        raise Ended(f"the stack has ended with {how}" + (f":\n{log}" if log else ", and logged nothing")) from None

    def _not_holding(self, expressions: tuple[str, ...]) -> list[str]:
        missing = []
        for expression in expressions:
            try:
                data = self.api("POST", "query", query=expression)
            except Refused as refused:
                # That it cannot be evaluated now may pass; that it is wrong does not.
                if refused.status == 400:
                    raise
                missing.append(expression)
                continue
            result = data["result"]
            if data["resultType"] == "scalar":
                number = float(result[1])
                holds = number != 0 and not math.isnan(number)
            else:
                holds = data["resultType"] != "string" and len(result) > 0
            if not holds:
                missing.append(expression)
        return missing

    def _complaint(self, within: float, expressions: list[str], more: Iterable[str] = ()) -> str:
        """What the program says about conditions that do not hold; nothing where they do."""
        if self.clock == "manual":
            more = [*more, "--advance"]
        command = [self._program, "expect", "--within", f"{round(within * 1000)}ms", "--url", self.prometheus,
                   "--pushes-after", str(self._pushes), "--notices-after", str(self._notices), *more]
        if self.pushgateway:
            command += ["--pushgateway", self.pushgateway]
        done = subprocess.run([*command, "--", *expressions], capture_output=True, text=True, timeout=within + _PATIENCE)
        text = (done.stdout + done.stderr).strip() or f"{self._program} expect ended with {done.returncode}"
        if done.returncode == 2:
            raise Refused(text, 400)
        if done.returncode not in (0, 1):
            self._check_it_lives()
        return "" if done.returncode == 0 else text


class _Elsewhere(Target):
    """A server that is not the test's: only its address is known."""

    def __init__(self, address: str) -> None:
        self.address = address

    def close(self) -> None:
        pass


def _text(what: str, value: object) -> str:
    """The value, which has to be a text."""
    if not isinstance(value, str):
        raise TypeError(f"{what} is {value!r}; it has to be a text")
    return value


def _notices(flag: str, matchers: str | Iterable[str]) -> list[str]:
    """Flags of `promenade expect`; a text is one condition."""
    return [f"{flag}={text}" for text in ([matchers] if isinstance(matchers, str) else matchers)]


def _label(name: str, value: object) -> str:
    """A label of a grouping key as a part of the path; what a path cannot hold goes as base64."""
    if value is None or isinstance(value, (bytes, bool)):
        raise TypeError(f"the label {name} is {value!r}; it has to be a text or a number")
    value = str(value)
    if value in ("", ".", "..") or "/" in value:
        import base64

        return f"/{name}@base64/" + (base64.urlsafe_b64encode(value.encode()).decode().rstrip("=") or "=")
    return f"/{name}/" + urllib.parse.quote(value, safe="")
