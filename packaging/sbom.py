#!/usr/bin/env python3
"""The list of what the binary is built of, as CycloneDX 1.5: sbom.py, with the output of `cargo metadata` as its input. The same input gives the same bytes."""
import json
import sys

LINKED = (None, "build")


def reached(metadata, root):
    """What `root` is built of, without what only its tests need."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    seen, waiting = set(), [root]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for dependency in nodes[name]["deps"]:
            if any(kind["kind"] in LINKED for kind in dependency["dep_kinds"]):
                waiting.append(dependency["pkg"])
    return seen


def component(package):
    reference = f"pkg:cargo/{package['name']}@{package['version']}"
    found = {"type": "library", "bom-ref": reference, "name": package["name"], "version": package["version"], "purl": reference}
    if package.get("license"):
        # An old way of writing OR.
        found["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    return found


def main():
    metadata = json.load(sys.stdin)
    packages = {package["id"]: package for package in metadata["packages"]}
    root = next(package for package in packages.values() if package["name"] == "vestibule")
    own = set(metadata["workspace_members"])
    used = [packages[name] for name in reached(metadata, root["id"]) if name not in own]
    components = sorted((component(package) for package in used), key=lambda found: (found["name"], found["version"]))
    subject = {**component(root), "type": "application"}
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": subject},
        "components": components,
        "dependencies": [{"ref": subject["bom-ref"], "dependsOn": [found["bom-ref"] for found in components]}],
    }
    json.dump(document, sys.stdout, indent=1, sort_keys=True)
    print()


if __name__ == "__main__":
    main()
