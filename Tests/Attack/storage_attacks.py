"""What happens to the folder of the database: full, read-only, removed, damaged, somebody else's."""
import contextlib
import os
import random
import shutil
import sqlite3
import stat
import subprocess
import tempfile
import time

from attack import attack
from stack import PROMENADE, WATCHED, GaveWay, Skipped, Stack, check, until
from wire import series, stored, write

WRITES = "--web.enable-remote-write-receiver"


@contextlib.contextmanager
def small_disk(size):
    """A folder on a file system of its own, of so many bytes."""
    with tempfile.TemporaryDirectory(prefix="attack-") as folder:
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True)
        if made.returncode:
            raise Skipped("only root can mount the small file system that this needs")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


def batch(number, now, chance):
    """Two hundred samples that nothing makes smaller."""
    return stored(b"".join(series([("__name__", "batch"), ("n", str(index))], [(chance.random(), now + number * 10)]) for index in range(200)))


def times(stack, selector, span):
    """The times of samples in seconds, in order."""
    rows = stack.result(f"{selector}[{span}]")
    return {round(float(point[0]), 3) for row in rows for point in row["values"]}


@attack("a full disk", "what was refused is neither seen nor there later, what was acknowledged is, after kill -9 too; goes on with room", short=True)
def full(short):
    chance = random.Random(1)
    with small_disk(3 << 20) as disk:
        with open(os.path.join(disk, "ballast"), "wb") as file:
            file.write(b"x" * (1 << 20))
        folder = os.path.join(disk, "data")
        now = int(time.time() * 1000) - 600_000
        taken, words, pushed = [], "", []

        def send(stack, number):
            status, _, text = write(stack, batch(number, now, random.Random(number)))
            if status == 204:
                taken.append(number)
            return status, text.decode(errors="replace")
        with Stack(WRITES, config=WATCHED, folder=folder) as stack:
            number = 0
            while number < 5000:
                status, words = send(stack, number)
                if status != 204:
                    break
                number += 1
            check(status >= 500, f"{status} after {number} writes")
            check("space" in words or "full" in words, f"the word: {words[:100]}")
            again = [send(stack, number)[0] for _ in range(3)]
            for index in range(50):
                pushed.append(stack.request(f"/metrics/job/p{index}", "PUT", f"pushed_{index}{{x=\"{'1' * 2000}\"}} 1\n".encode(), server="pushgateway")[0])
            shown = stack.request("/metrics", server="pushgateway")[2].decode()
            for index, status in enumerate(pushed):
                check((f"pushed_{index}{{" in shown) == (status == 200), f"push {index} was answered {status}, and it is not as it says")
            seen = times(stack, 'batch{n="7"}', "1h")
            check(seen == {round((now + one * 10) / 1000, 3) for one in taken}, f"{len(seen)} are seen, {len(taken)} were taken")
            os.remove(os.path.join(disk, "ballast"))
            start = time.monotonic()
            until(lambda: send(stack, number + 1)[0] == 204, 20)
            recovered = time.monotonic() - start
            check(stack.request("/-/healthy")[0] == 200, "not healthy")
            stack.kill()
        with Stack(WRITES, config=WATCHED, folder=folder) as stack:
            there = times(stack, 'batch{n="7"}', "1h")
            check(there == {round((now + one * 10) / 1000, 3) for one in taken}, f"{len(there)} are there after kill -9, {len(set(taken))} were taken")
            shown = stack.request("/metrics", server="pushgateway")[2].decode()
            for index, status in enumerate(pushed):
                check((f"pushed_{index}{{" in shown) == (status == 200), f"push {index} was answered {status}, and after kill -9 it is not as it says")
    return f"{len(set(taken))} writes and {pushed.count(200)} pushes kept, {pushed.count(500)} pushes refused, again {again}; goes on after {recovered:.2f} s"


@attack("a disk that is full or read-only at the start", "what is there can be read, what comes is refused with the reason; a full one goes on with room", short=True)
def unwritable(short):
    told = []
    with small_disk(8 << 20) as disk:
        folder = os.path.join(disk, "data")
        with Stack(WRITES, config=WATCHED, folder=folder) as stack:
            check(write(stack, stored(series([("__name__", "kept")], [(1.0, int(time.time() * 1000))])))[0] == 204, "no write")
        for kind in ("full", "read-only"):
            if kind == "full":
                with open(os.path.join(disk, "ballast"), "wb", buffering=0) as file, contextlib.suppress(OSError):
                    while file.write(b"x" * 4096) == 4096:
                        pass
            else:
                with contextlib.suppress(OSError):
                    os.remove(os.path.join(disk, "ballast"))
                if subprocess.run(["mount", "-o", "remount,ro", disk], capture_output=True).returncode:
                    raise Skipped("the disk cannot be made read-only")
            with Stack(WRITES, config=WATCHED, folder=folder) as stack:
                check(stack.result("last_over_time(kept[1h])"), f"{kind}: what is there is not read")
                status, _, text = write(stack, stored(series([("__name__", "new")], [(1.0, int(time.time() * 1000))])))
                check(status >= 500 and text.strip(), f"{kind}: a write was answered {status}")
                pushed = stack.request("/metrics/job/x", "PUT", b"a 1\n", server="pushgateway")
                check(pushed[0] >= 500 and pushed[2].strip(), f"{kind}: a push was answered {pushed[0]}")
                check(b"a{" not in stack.request("/metrics", server="pushgateway")[2], f"{kind}: the refused push is shown")
                told.append(f"{kind}: {text.decode(errors='replace').strip()[:60]}")
                check("Part of the database is damaged" not in stack.log(), f"{kind}: it is told as damage")
                if kind == "full":
                    os.remove(os.path.join(disk, "ballast"))
                    # The store is looked after each ten seconds.
                    until(lambda: write(stack, stored(series([("__name__", "late")], [(1.0, int(time.time() * 1000))])))[0] == 204, 20)
                    check(stack.request("/-/ready")[0] == 200, "full: not ready with room")
    return "; ".join(told)


@attack("the database removed or cut short while it is open", "nothing is acknowledged any more, /-/ready answers 503 with the reason, the log tells", short=True)
def removed(short):
    kinds = {
        "the folder": lambda folder: shutil.rmtree(folder),
        "the file": lambda folder: os.remove(os.path.join(folder, "stack.db")),
        "the log beside it": lambda folder: os.remove(os.path.join(folder, "stack.db-wal")),
        "the file, by another one": lambda folder: (open(os.path.join(folder, "new"), "wb").close(),
                                                    os.replace(os.path.join(folder, "new"), os.path.join(folder, "stack.db"))),
        "the file, all but a page": lambda folder: os.truncate(os.path.join(folder, "stack.db"), 4096),
        "the log, all of it": lambda folder: os.truncate(os.path.join(folder, "stack.db-wal"), 0),
        "the log's index, all of it": lambda folder: os.truncate(os.path.join(folder, "stack.db-shm"), 0),
    }
    for name, remove in kinds.items():
        with tempfile.TemporaryDirectory(prefix="attack-") as parent:
            folder = os.path.join(parent, "data")
            with Stack(WRITES, config=WATCHED, folder=folder) as stack:
                check(stack.request("/metrics/job/x", "PUT", b"a 1\n", server="pushgateway")[0] == 200, "no push")
                remove(folder)
                for _ in range(3):
                    pushed = stack.request("/metrics/job/y", "PUT", b"b 1\n", server="pushgateway")
                    check(pushed[0] >= 500, f"{name}: a push was answered {pushed[0]}")
                written = write(stack, stored(series([("__name__", "new")], [(1.0, int(time.time() * 1000))])))
                check(written[0] >= 500 and written[2].strip(), f"{name}: a write was answered {written[0]}")
                status, _, text = stack.request("/-/ready")
                check(status == 503 and len(text) > 20, f"{name}: ready is {status} {text[:80]!r}")
                until(lambda: any(word in stack.log() for word in ("removed", "replaced", "cut short")), 10)
    return f"{len(kinds)} ways, each told: {text.decode(errors='replace').strip()[:80]}"


@attack("two stacks on one folder", "the second one is told who has it, and ends; the first one goes on", short=True)
def two(short):
    with tempfile.TemporaryDirectory(prefix="attack-") as folder:
        with Stack(config=WATCHED, folder=folder) as stack:
            second = Stack(config=WATCHED, folder=folder, waits=False)
            try:
                code = second.process.wait(20)
            finally:
                second.kill()
            check(code > 0, f"the second one ended with {code}")
            check(str(stack.pid) in second.log(), f"the second one does not tell who has it: {second.log()[-200:]}")
            check(stack.request("/metrics/job/x", "PUT", b"a 1\n", server="pushgateway")[0] == 200, "the first one takes no push any more")
            until(lambda: stack.result('up{job="watch"} == 1'))
    return f"exit code {code}: {second.log().strip().splitlines()[-1].split('msg=')[-1][:150]}"


@attack("files that are no database of ours", "refused with a word, not a byte of them changed, nothing left beside them", short=True)
def foreign(short):
    def of_another_program(path):
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE notes (text)")
            other.execute("INSERT INTO notes VALUES ('not yours')")
        other.close()

    def of_a_newer_one(path):
        folder = os.path.dirname(path)
        with Stack(config=WATCHED, folder=folder):
            pass
        with sqlite3.connect(path) as ours:
            ours.execute("PRAGMA user_version = 99")
        ours.close()
        for name in os.listdir(folder):
            if name != "stack.db":
                os.remove(os.path.join(folder, name))

    def noise(path):
        with open(path, "wb") as file:
            file.write(random.Random(1).randbytes(100_000))

    def short_file(path):
        with open(path, "wb") as file:
            file.write(b"S")
    kinds = {"another program's": of_another_program, "a newer format": of_a_newer_one, "noise": noise, "a file of one byte": short_file,
             "a folder": os.mkdir, "a pipe": os.mkfifo, "a link to nowhere": lambda path: os.symlink("/nothing/at/all", path)}
    words = {}
    for name, make in kinds.items():
        with tempfile.TemporaryDirectory(prefix="attack-") as folder:
            path = os.path.join(folder, "stack.db")
            make(path)
            before = open(path, "rb").read() if os.path.isfile(path) else None
            stack = Stack(config=WATCHED, folder=folder, waits=False)
            try:
                code = stack.process.wait(20)
            except subprocess.TimeoutExpired:
                raise GaveWay(f"{name}: it neither ends nor tells: {stack.log()[-200:]}") from None
            finally:
                stack.kill()
            check(code > 0, f"{name}: it ended with {code}")
            check("stack.db" in stack.log(), f"{name}: {stack.log()[-200:]}")
            words[name] = stack.log().strip().splitlines()[-1]
            check(os.listdir(folder) == ["stack.db"], f"{name}: beside it is {os.listdir(folder)}")
            check(before is None or open(path, "rb").read() == before, f"{name}: it is not what it was")
    return f"{len(kinds)} kinds; a newer format: {words['a newer format'][-80:]}"


@attack("a database with damage", "bytes changed or cut off at random: it starts or refuses in words, and what is missing is told", short=True)
def damage(short):
    count = 15 if short else 200
    chance = random.Random(11)
    told = {"the same": 0, "told": 0, "refused": 0}
    scenario = ("duration: 3h\nservices: {shop: {instances: 4, metrics: {a_total: {type: counter, rate: 20/s}, b: {type: gauge, value: 1}}}}\n"
                "stack: {global: {scrape_interval: 5s}}\nexpect: [{at: 1h, that: count(up)}]\n")
    with tempfile.TemporaryDirectory(prefix="attack-") as folder:
        with open(os.path.join(folder, "world.yml"), "w") as file:
            file.write(scenario)
        sound = os.path.join(folder, "sound")
        subprocess.run([PROMENADE, "simulate", "--quiet", "--out", sound, os.path.join(folder, "world.yml")], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with sqlite3.connect(os.path.join(sound, "stack.db")) as base:
            first, last = base.execute("SELECT min(min_time), max(max_time) FROM block").fetchone()
        base.close()
        check(last, "no block to damage")
        asked = dict(expression='{__name__=~".+"}[4h]', time=(last + 60_000) / 1000)
        good = None
        for number in range(count + 1):
            data = os.path.join(folder, "data")
            shutil.rmtree(data, ignore_errors=True)
            shutil.copytree(sound, data)
            path = os.path.join(data, "stack.db")
            size = os.path.getsize(path)
            what = "nothing"
            if number:
                offset = chance.randrange(size)
                length = chance.choice([1, 16, 4096])
                with open(path, "r+b") as file:
                    if chance.random() < 0.2:
                        what = f"cut to {offset} bytes"
                        file.truncate(offset)
                    else:
                        what = f"{length} bytes from {offset}"
                        file.seek(offset)
                        file.write(chance.randbytes(min(length, size - offset)))
            stack = Stack("--storage.tsdb.retention.time=100y", config="scrape_configs: []\n", folder=data, waits=False)
            try:
                try:
                    stack.wait(30)
                except GaveWay:
                    code = stack.process.poll()
                    check(code is not None, f"{what}: neither ready nor ended")
                    check(code > 0 and "stack.db" in stack.log(), f"{what}: ended with {code}: {stack.log()[-200:]}")
                    told["refused"] += 1
                    continue
                status, document = stack.query(**asked)
                if number == 0:
                    check(status == 200, f"{document}")
                    good = document["data"]["result"]
                    check(good, "nothing is in it")
                    continue
                is_same = status == 200 and sorted(map(str, document["data"]["result"])) == sorted(map(str, good))
                if is_same:
                    told["the same"] += 1
                else:
                    has_told = status != 200 and document.get("error") or stack.complains()
                    check(has_told, f"{what}: samples are missing without a word; {stack.log()[-200:]}")
                    told["told"] += 1
                check(stack.request("/-/healthy")[0] == 200, f"{what}: not healthy")
            finally:
                stack.kill()
    return f"{count} damaged files: " + ", ".join(f"{value} {key}" for key, value in told.items())


@attack("a damaged write-ahead log", "what is behind the damage is told at the start; what is before it is there", short=True)
def log_damage(short):
    count = 6 if short else 40
    chance = random.Random(5)
    losses = 0
    with tempfile.TemporaryDirectory(prefix="attack-") as folder:
        sound, data = os.path.join(folder, "sound"), os.path.join(folder, "data")
        with Stack(config="scrape_configs: []\n", folder=sound) as stack:
            for index in range(200):
                check(stack.request(f"/metrics/job/p{index}", "PUT", b"a 1\n", server="pushgateway")[0] == 200, "no push")
            stack.kill()
        for number in range(count + 1):
            shutil.rmtree(data, ignore_errors=True)
            shutil.copytree(sound, data)
            path = os.path.join(data, "stack.db-wal")
            size = os.path.getsize(path)
            check(size > 10_000, f"the log has {size} bytes")
            offset = chance.randrange(size)
            if number:
                with open(path, "r+b") as file:
                    file.seek(offset)
                    file.write(chance.randbytes(8))
            with Stack(config="scrape_configs: []\n", folder=data) as stack:
                there = stack.request("/metrics", server="pushgateway")[2].count(b"\na{")
                if there < 200:
                    check(number, f"{there} of 200 are there without any damage")
                    check(stack.complains(), f"{200 - there} pushes are lost without a word")
                    losses += 1
    return f"{count} damaged logs: {losses} lost something and told, {count - losses} lost nothing"


@attack("who may read the files", "the folder is the owner's alone, and so is each file in it", short=True)
def modes(short):
    with tempfile.TemporaryDirectory(prefix="attack-") as parent:
        folder = os.path.join(parent, "data")
        with Stack("--web.enable-admin-api", config=WATCHED, folder=folder) as stack:
            stack.request("/metrics/job/x", "PUT", b"a 1\n", server="pushgateway")
            check(stack.request("/api/v1/admin/tsdb/snapshot", "POST")[0] == 200, "no snapshot")
            found = {path: stat.S_IMODE(os.stat(path).st_mode) for above, folders, files in os.walk(folder)
                     for path in [above, *(os.path.join(above, file) for file in files)]}
    loose = [f"{name} {mode:o}" for name, mode in found.items() if mode & 0o077]
    check(not loose, f"others may read {loose}")
    return f"{len(found)} entries"
