"""What comes and goes over the network: remote write in both versions, OTLP, and what queues of remote write add."""
import remote

from .line import Line


def incoming(kind, series, seconds, warm, per_request, size, work):
    _, figures = remote.receive(kind, series, seconds, warm, per_request)
    each = 1e6 / series / (seconds - warm)
    yield Line("CPU, µs a sample", size, work, {name: one.cpu * each for name, one in figures.items()}, is_flat=True)
    yield Line("memory, MiB", size, work, {name: one.memory for name, one in figures.items()}, is_flat=True)


def requests(kind, quick):
    """The same samples in requests of three sizes."""
    series, seconds, warm = (20_000, 5, 2) if quick else (100_000, 8, 3)
    for per_request in (series // 100, series // 10, series):
        yield from incoming(kind, series, seconds, warm, per_request, f"{per_request:,} series a request", per_request)


def write(quick):
    """remote write 1.0 in, requests of 1,000, 10,000 and 100,000 series"""
    return requests(1, quick)


def write2(quick):
    """remote write 2.0 in, the same"""
    return requests(2, quick)


def otlp(quick):
    """OpenTelemetry in, 10,000 and 100,000 samples a second (Prometheus gets the same by remote write)"""
    for series in (2_000, 20_000) if quick else (10_000, 100_000):
        cpu, memory = incoming(remote.OTLP, series, *((5, 2) if quick else (8, 3)), remote.PER_REQUEST, f"{series:,} a second", series)
        memory.is_flat = False
        yield from (cpu, memory)


def out(quick):
    """what a queue of remote write adds, 10,000 and 100,000 samples a second"""
    seconds, warm = (6, 2) if quick else (12, 4)
    for series in (2_000, 20_000) if quick else (10_000, 100_000):
        times, _ = remote.forward(1, series, seconds, warm)
        each = 1e6 / series / (seconds - warm)
        yield Line("CPU, µs a sample", f"{series:,} a second", series,
                   {name: (sent - stored) * each for name, (stored, sent) in times.items()}, is_flat=True)


ROWS = {"write": write, "write2": write2, "otlp": otlp, "out": out}
