"""What the benchmarks beside the real programs share: how the programs are started, and what they cost."""
import contextlib
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Tests", "Conformance"))
import peers

OURS, PROMETHEUS, VICTORIA = "promenade", "prometheus", "victoria-metrics"
NOTHING = "scrape_configs: []\n"
# The whole stack has a Pushgateway and a demo server besides, which the others have not.
ALONE = ["--no-demo.enabled", "--no-pushgateway.enabled"]


def cpu(process):
    """CPU seconds of all threads, of those too that have ended: utime+stime, but not in hundredths."""
    return time.clock_gettime(~process.pid << 3 | 2)


def memory(process, what="VmRSS"):
    """MiB; VmHWM is the most that it ever was."""
    with open(f"/proc/{process.pid}/status") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith(what))


def size(folder):
    """Bytes of all files below a folder."""
    found = 0
    for at, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # a running server throws some away
                found += os.path.getsize(os.path.join(at, name))
    return found


def start_victoria(config=NOTHING, flags=()):
    folder = tempfile.mkdtemp(prefix="promenade-benchmark-")
    with open(os.path.join(folder, "config.yml"), "w") as f:
        f.write(config)
    address = f"{peers.HOST}:{peers.free_port()}"
    server = peers.Server([peers.program("VICTORIA_BIN", "victoria-metrics"), f"-storageDataPath={folder}/data", f"-httpListenAddr={address}",
                           f"-promscrape.config={folder}/config.yml", "-loggerLevel=ERROR", *flags], address, "/health")
    server.folder = folder
    return server


def start(name, config=NOTHING, flags=()):
    if name == OURS:
        server = peers.start_promenade(peers.promenade(), config, flags)
    elif name == PROMETHEUS:
        server = peers.start_prometheus(peers.program("PROMETHEUS_BIN", "prometheus"), config, flags)
    else:
        server = start_victoria(config, flags)
    server.name = name
    server.data = os.path.join(server.folder, "data")
    return server


def present(names=(OURS, PROMETHEUS, VICTORIA)):
    """Those of the programs that are there."""
    path = {OURS: peers.promenade(), PROMETHEUS: peers.program("PROMETHEUS_BIN", "prometheus"),
            VICTORIA: peers.program("VICTORIA_BIN", "victoria-metrics")}
    return [name for name in names if path[name]]


@contextlib.contextmanager
def servers(config=lambda name: NOTHING, flags=lambda name: ALONE if name == OURS else (), names=(OURS, PROMETHEUS, VICTORIA)):
    """The programs, started one after the other, by their names; stopped at the end."""
    running = {}
    try:
        for name in present(names):
            running[name] = start(name, config(name), flags(name))
        yield running
    finally:
        for server in running.values():
            server.stop()


def spent(running, seconds):
    """CPU seconds of each server in so many seconds."""
    before = {name: cpu(server.process) for name, server in running.items()}
    time.sleep(seconds)
    return {name: cpu(server.process) - before[name] for name, server in running.items()}


def until(holds, seconds=120):
    """Seconds until something holds; asked again and again, as a refused connection costs next to nothing."""
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds:
        with contextlib.suppress(OSError, peers.http.client.HTTPException):
            if holds():
                return time.perf_counter() - begin
        time.sleep(0.001)
    raise RuntimeError(f"not within {seconds} s")


def stop(server):
    """Seconds of a clean end."""
    begin = time.perf_counter()
    server.process.terminate()
    server.process.wait(120)
    return time.perf_counter() - begin


def again(server, holds):
    """Starts a server that was stopped: seconds until it is ready, and until something holds."""
    ready = "/health" if server.name == VICTORIA else "/-/ready"
    begin = time.perf_counter()
    server.process = subprocess.Popen(server.process.args, stdout=server.log, stderr=server.log, stdin=subprocess.DEVNULL)
    until(lambda: peers.get(server.address, ready, timeout=30)[0] == 200)
    took = time.perf_counter() - begin
    until(holds)
    return took, time.perf_counter() - begin
