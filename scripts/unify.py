#!/usr/bin/env python3
"""Keeps unify/Cargo.toml: the features with which third-party crates are built, whichever crate of ours is built.

Cargo chooses features for the crates it was asked to build. `cargo test -p vestibule-identity` would ask less of `regex-automata` than
`cargo build --workspace` does, and compile it again, with everything above it. So every crate of ours depends on `unify`, which asks for what
the whole workspace asks for. The released binary has these features anyway.

    scripts/unify.py           writes the file
    scripts/unify.py --check   says what is missing, and exits with 1 (part of `make lint`)

The fuzz targets are no members, with a lock of their own. The check also says where that has another version than the workspace: such a crate, and
what stands on it, would be built twice.
"""

import functools
import json
import os
import pathlib
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
MANIFEST = ROOT / "unify" / "Cargo.toml"
HEAD = """\
# Made by scripts/unify.py, which says why; checked by `make lint`.
[package]
name = "vestibule-unify"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
publish.workspace = true

[lints]
workspace = true
"""


def cargo(*arguments):
    # Unit graphs are shown by an unstable flag; nothing is built here, so no build sees the variable.
    environment = dict(os.environ, RUSTC_BOOTSTRAP="1")
    ran = subprocess.run([os.environ.get("CARGO", "cargo"), *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    if ran.returncode != 0:
        sys.exit("cargo failed: " + " ".join(arguments))
    return json.loads(ran.stdout)


@functools.cache
def host():
    said = subprocess.run(["rustc", "--version", "--verbose"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    return next(line.split()[1] for line in said.splitlines() if line.startswith("host:"))


def units(*packages):
    """Features by third-party crate and whether it is for the machine that builds (procedural macros, build scripts)."""
    # With a target named, the units for the machine that builds are those without a platform.
    graph = cargo("test", "--no-run", *packages, "--target", host(), "--unit-graph", "-Zunstable-options")
    found = {}
    for unit in graph["units"]:
        if "registry" in unit["pkg_id"] and unit["mode"] == "build":
            found.setdefault((unit["pkg_id"].rsplit("#", 1)[1], unit["platform"] is None), set()).add(frozenset(unit["features"]))
    return found


def wanted(members):
    whole = units("--workspace")
    differing = {}
    for member in members:
        for key, sets in units("-p", member).items():
            if sets <= whole.get(key, set()):
                continue
            # What is built alike for both is built once, as for the target: then it must be wanted for the target too.
            other = (key[0], not key[1])
            alike = key not in whole and sets <= whole.get(other, set())
            differing[other if alike else key] = set().union(*whole.get(key, whole.get(other, ())), *sets)
    return differing


def listed():
    found, host = {}, False
    for line in MANIFEST.read_text().splitlines() if MANIFEST.exists() else []:
        if line.startswith("["):
            host = line == "[build-dependencies]"
        elif "package = " in line:
            parts = line.split('"')
            features = {part for part in parts[5:] if part.strip(", ]}")}
            found[(f"{parts[1]}@{parts[3]}", host)] = features
    return found


def write(dependencies):
    text = HEAD
    for title, host in (("dependencies", False), ("build-dependencies", True)):
        lines = [line(spec, features) for (spec, for_host), features in sorted(dependencies.items()) if for_host == host]
        text += f"\n[{title}]\n" + "".join(lines)
    MANIFEST.write_text(text)


def line(spec, features):
    name, version = spec.split("@")
    names = ", ".join(f'"{feature}"' for feature in sorted(features))
    alias = f"{name}-{version.replace('.', '-')}"
    return f'{alias} = {{ package = "{name}", version = "{version}", default-features = false, features = [{names}] }}\n'


def requirement(version):
    numbers = version.split("+")[0].split(".")
    return numbers[0] if numbers[0] != "0" else ".".join(numbers[:2])


def locked(path):
    return {(package["name"], package["version"]) for package in tomllib.loads((ROOT / path).read_text())["package"] if "source" in package}


def apart():
    ours = locked("Cargo.lock")
    names = {name for name, _ in ours}
    return sorted(f"{name}@{version}" for name, version in locked("tests/fuzz/Cargo.lock") - ours if name in names)


def main():
    metadata = cargo("metadata", "--format-version", "1", "--no-deps")
    members = [package["name"] for package in metadata["packages"] if package["name"] != "vestibule-unify"]
    bare = [
        package["name"]
        for package in metadata["packages"]
        if package["name"] in members and not any(one["name"] == "vestibule-unify" and one["kind"] is None for one in package["dependencies"])
    ]
    missing = wanted(members)
    if "--check" in sys.argv:
        for name in bare:
            print(f"{name} does not depend on `unify`: add `unify.workspace = true`")
        for (spec, _), features in sorted(missing.items()):
            print(f"{spec} is built with other features by some crate alone: {', '.join(sorted(features))}; run: scripts/unify.py")
        fuzzed = apart()
        for spec in fuzzed:
            print(f"tests/fuzz/Cargo.lock has {spec}, and Cargo.lock another version")
        sys.exit(1 if bare or missing or fuzzed else 0)
    dependencies = listed()
    for _ in range(6):
        if not missing:
            break
        for (spec, host), features in missing.items():
            name, version = spec.split("@")
            key = (f"{name}@{requirement(version)}", host)
            dependencies[key] = dependencies.get(key, set()) | features
        write(dependencies)
        missing = wanted(members)
    for (spec, _), features in sorted(missing.items()):
        print(f"{spec} still differs")
    sys.exit(1 if missing else 0)


main()
