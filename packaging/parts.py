"""What the program is made of besides its own code: versions, licences, and where their texts are. Imported by what packs."""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.parse
from dataclasses import dataclass, field

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
CHECKOUTS = os.path.join(ROOT, ".build", "checkouts")
# Packages that only Apple's systems build.
ELSEWHERE = {"swift-nio-transport-services"}
# Linked in on Linux, where the archives are there: the package that has the archive, and the licence of what is in it.
GCC = "GPL-3.0-or-later WITH GCC-exception-3.1"
SYSTEM = {"sqlite3": ("libsqlite3.a", "libsqlite3-dev", "blessing"), "zlib": ("libz.a", "zlib1g-dev", "Zlib"),
          "libyaml": ("libyaml.a", "libyaml-dev", "MIT"), "libstdc++": ("libstdc++.a", "", GCC), "libgcc": ("libgcc_eh.a", "", GCC)}
# In the image besides the program.
IMAGE = {"glibc": ("libc6", "LGPL-2.1-or-later"), "ca-certificates": ("ca-certificates", "MPL-2.0")}

LINE = "=" * 100


@dataclass
class Part:
    name: str
    version: str
    license: str
    purl: str = ""
    description: str = ""
    revision: str = ""
    # Files with the licence and the notice, and texts that stand in the sources themselves.
    files: list = field(default_factory=list)
    texts: list = field(default_factory=list)
    in_image_only: bool = False


def said(*command):
    """What a command prints; nothing where it fails or is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def read(path):
    with open(path, errors="replace") as file:
        return file.read()


def purl(kind, place, version, query=""):
    return f"pkg:{kind}/{place}@{urllib.parse.quote(version, safe='.-~:')}{query}"


def headers(folder):
    """The licences that stand in the sources of a folder: each text once, below whose they are."""
    holders = {}
    for path in sorted(glob.glob(os.path.join(folder, "**", "*"), recursive=True)):
        if not path.endswith((".c", ".cc", ".h", ".S", ".inc")):
            continue
        for block in re.findall(r"/\*.*?\*/|(?:^[ \t]*//[^\n]*\n)+", read(path), re.S | re.M):
            if not re.search(r"copyright \(?c?\)?.*\d{4}", block, re.I) or "SwiftNIO open source project" in block:
                continue
            lines = [re.sub(r"^\s*(/\*-?|\*/|\*|//)?\s?|\s*\*/$", "", line).rstrip() for line in block.splitlines()]
            whose = [line.strip() for line in lines if re.match(r"\s*copyright\b.*\d{4}", line, re.I)]
            text = "\n".join(line for line in lines if line.strip() not in whose).strip("\n")
            holders.setdefault(text, {}).update(dict.fromkeys(whose))
    return ["\n".join([*sorted(whose), "", text]) for text, whose in holders.items()]


def license_of(text):
    if "Apache License" not in text:
        return "MIT" if "Permission is hereby granted, free of charge" in text else "NOASSERTION"
    return "Apache-2.0 WITH Swift-exception" if "Runtime Library Exception" in text else "Apache-2.0"


def packages():
    """What Package.resolved names, and what these have in them of others."""
    for pin in sorted(json.loads(read(os.path.join(ROOT, "Package.resolved")))["pins"], key=lambda pin: pin["identity"]):
        if sys.platform != "darwin" and pin["identity"] in ELSEWHERE:
            continue
        state = pin["state"]
        version = state.get("version") or state["revision"]
        place = pin["location"].split("://")[-1].removesuffix(".git")
        folder = os.path.join(CHECKOUTS, os.path.basename(place))
        files = sorted(glob.glob(os.path.join(folder, "LICENSE*")) + glob.glob(os.path.join(folder, "NOTICE*")))
        yield Part(pin["identity"], version, license_of("".join(map(read, files))), purl("swift", place, version), revision=state["revision"],
                   files=files)
        if pin["identity"] == "swift-nio":
            http, digest = os.path.join(folder, "Sources", "CNIOLLHTTP"), os.path.join(folder, "Sources", "CNIOSHA1")
            numbers = re.findall(r"#define LLHTTP_VERSION_\w+ (\d+)", read(os.path.join(http, "include", "c_nio_llhttp.h")))
            yield Part("llhttp", ".".join(numbers), "MIT", description="in swift-nio", files=[os.path.join(http, "LICENSE")])
            yield Part("freebsd-sha1", version, "BSD-3-Clause", description="in swift-nio", texts=headers(digest))
        if pin["identity"] == "swift-nio-ssl":
            commit = re.search(r"BoringSSL Commit: (\w+)", read(os.path.join(folder, "Package.swift")))
            yield Part("boringssl", commit[1] if commit else version, "Apache-2.0", description="in swift-nio-ssl",
                       texts=headers(os.path.join(folder, "Sources", "CNIOBoringSSL")))


def of_system(name, package, license_id, **more):
    """A part that comes of a package of Debian's. Its sources are known by the name and the version of its source package."""
    part = Part(name, "", license_id, **more)
    fields = said("dpkg-query", "-W", "-f", "${source:Package} ${source:Version}", package).split() if package else []
    if len(fields) == 2:
        part.version = fields[1]
        part.purl = purl("deb", "debian/" + fields[0], fields[1], "?arch=source")
    part.files = [path for path in (f"/usr/share/doc/{package}/copyright", *sorted(glob.glob(f"/usr/share/licenses/{package}/*")))
                  if package and os.path.isfile(path)]
    return part


def owner(path):
    """The package that a file belongs to."""
    path = os.path.realpath(path) if os.path.exists(path) else ""
    # Where /lib is a link to /usr/lib, dpkg may know the other path.
    return next((said("dpkg", "-S", name).split(":")[0] for name in (path, path.removeprefix("/usr")) if name and said("dpkg", "-S", name)), "")


def parts():
    yield from packages()
    # macOS has these itself.
    if sys.platform == "darwin":
        return
    version = re.search(r"Swift version (\S+)", said("swift", "--version"))
    usr = os.path.dirname(os.path.dirname(os.path.realpath(shutil.which("swiftc") or "")))
    yield Part("swift-runtime", version[1] if version else "", "Apache-2.0 WITH Swift-exception",
               description="the standard library, Dispatch, and Foundation without ICU",
               files=[path for path in [os.path.join(usr, "share", "swift", "LICENSE.txt")] if os.path.exists(path)])
    for name, (archive, package, license_id) in SYSTEM.items():
        yield of_system(name, package or owner(said("cc", "-print-file-name=" + archive).strip()), license_id)
    for name, (package, license_id) in IMAGE.items():
        yield of_system(name, package, license_id, description="in the container image only", in_image_only=True)


def notices(image=False):
    """The notices and licences of all parts, each text once."""
    texts, said, without = {}, [], []
    for part in parts():
        if part.in_image_only and not image:
            continue
        said.append(f"  {part.name} {part.version}  ({part.license})" + (f", {part.description}" if part.description else ""))
        found = [read(path).strip("\n") for path in part.files] + part.texts
        if not found:
            without.append(part.name)
        for text in found:
            texts.setdefault(text, []).append(part.name)
    if without:
        print("notices: no licences are found here of " + ", ".join(without), file=sys.stderr)
    head = ["Promenade is licensed under the Apache License 2.0. Code of these is in the program:", "", *said]
    if without:
        head += ["", "The licences of these were not found where it was packed: " + ", ".join(without)]
    return "\n".join(head) + "\n" + "".join(f"\n{LINE}\n{', '.join(names)}\n{LINE}\n\n{text}\n" for text, names in texts.items())
