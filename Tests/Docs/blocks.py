"""Blocks of commands in Markdown, and the remarks that say how they are run.

A block is fenced as `console` (lines that begin with `$ ` are typed, what follows is the answer), `sh` (all lines are typed) or
`sql` (each statement goes to `promenade sql`), or it is indented and begins with `$ `. Before it may stand, each on a line of its
own:

    <!-- test: skip WHY -->          cannot run in a test
    <!-- test: before COMMAND -->    typed before it, unseen
    <!-- test: exit NUMBER -->       how the last command ends, if not with 0
    <!-- test: fresh -->             a stack of its own, in which nothing has happened yet

A command with an ellipsis is none and is not run. In an answer an ellipsis stands for anything, alone on its line for any number of
lines; numbers, times and the widths of columns may be others.
"""
import re
import subprocess

REMARK = re.compile(r"<!-- test: (\w+) ?(.*?) -->")


class Block:
    def __init__(self, file, line, kind, remarks, text):
        self.file, self.line, self.kind, self.text = file, line, kind, text
        self.skipped = next((value or "without a reason" for name, value in remarks if name == "skip"), None)
        self.before = [value for name, value in remarks if name == "before"]
        self.exit = next((int(value) for name, value in remarks if name == "exit"), 0)
        self.is_fresh = any(name == "fresh" for name, _ in remarks)
        unknown = {name for name, _ in remarks} - {"skip", "before", "exit", "fresh"}
        if unknown:
            raise ValueError(f"{file}:{line}: unknown remark {unknown}")

    @property
    def place(self):
        return f"{self.file}:{self.line}"

    def steps(self):
        """Commands and what they answer (None for whatever they like)."""
        if self.kind == "sql":
            return [("promenade sql - <<'END'\n" + part + "\nEND", None)
                    for part in self.text.split(";") if part.strip()]
        lines = self.text.split("\n")
        steps = []
        while lines:
            line = lines.pop(0)
            if self.kind == "console":
                if not line.startswith("$ "):
                    if not steps:
                        raise ValueError(f"{self.place}: an answer without a command: {line}")
                    command, answer = steps[-1]
                    steps[-1] = (command, (answer or "") + line + "\n")
                    continue
                line = line[2:]
            elif not line.strip():
                continue
            while lines and not is_whole(line):
                line += "\n" + lines.pop(0)
            steps.append((line, None))
        return steps


def is_whole(command):
    return not command.endswith("\\") and subprocess.run(["bash", "-n", "-c", command], capture_output=True).returncode == 0


def read(file, text):
    """The blocks of a document."""
    blocks, remarks = [], []
    lines = text.split("\n")
    index = 0
    while index < len(lines):
        line = lines[index]
        remark = REMARK.fullmatch(line.strip())
        fence = re.fullmatch(r"( *)```(\w*)", line)
        if remark:
            remarks.append((remark[1], remark[2]))
            index += 1
            continue
        if fence:
            start = index + 1
            index = start
            while index < len(lines) and lines[index].strip() != "```":
                index += 1
            body = [line[len(fence[1]):] for line in lines[start:index]]
            index += 1
            if fence[2] in ("console", "sh", "sql"):
                blocks.append(Block(file, start, fence[2], remarks, "\n".join(body)))
        elif line.startswith("    ") and (index == 0 or not lines[index - 1].strip() or REMARK.fullmatch(lines[index - 1])):
            start = index
            while index < len(lines) and (lines[index].startswith("    ") or not lines[index].strip()):
                index += 1
            body = "\n".join(line[4:] for line in lines[start:index]).rstrip("\n")
            if body.startswith("$ "):
                blocks.append(Block(file, start + 1, "console", remarks, body))
            elif re.match(r"(promenade|curl|make|sudo|echo|git|\./|python3|source) ", body):
                raise ValueError(f"{file}:{start + 1}: commands have to stand in a block of console or sh, so that they are run")
        else:
            index += 1
            if not line.strip():
                continue
        remarks = []
    return blocks


NUMBER = r"[-+]?(?:\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?|Inf|NaN)"
PIECE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z|\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?|…|-{3,}|[ \t]+|[^\d… \t-]+|.", re.S)


def shape(answer):
    """The pattern of an answer."""
    pattern = ""
    for line in answer.rstrip("\n").split("\n"):
        if line.strip() == "…":
            pattern += r"(?:[^\n]*\n)*?"
            continue
        for piece in PIECE.findall(line.rstrip()):
            if re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", piece):
                pattern += r"[\d-]+T[\d:.]+Z"
            elif piece[0].isdigit():
                pattern += NUMBER
            elif piece == "…":
                pattern += r"[^\n]*?"
            elif piece.startswith("---"):
                pattern += "-+"
            elif piece.strip() == "":
                pattern += r"[ \t]+"
            else:
                pattern += re.escape(piece)
        pattern += r"[ \t]*\n"
    return re.compile(pattern)
