#!/usr/bin/env python3
"""Writes a container image without a daemon: image.py ROOT OUTPUT VERSION REVISION. ROOT is the tree of its only layer, OUTPUT a tar archive in the
OCI image layout 1.0. `SOURCE_DATE_EPOCH` is the time of everything in it, so that the same tree gives the same bytes."""
import gzip
import hashlib
import io
import json
import os
import sys
import tarfile
import time

EPOCH = int(os.environ["SOURCE_DATE_EPOCH"])
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def entry(name, kind, mode, size=0):
    found = tarfile.TarInfo(name)
    found.type, found.mode, found.size, found.mtime = kind, mode, size, EPOCH
    return found


def layer(root):
    """The tree, sorted by name, owned by root and readable by everybody: any user may run it."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for folder, folders, files in os.walk(root):
            folders.sort()
            below = os.path.relpath(folder, root)
            if below != ".":
                archive.addfile(entry(below, tarfile.DIRTYPE, 0o1777 if below in ("tmp", "data") else 0o755))
            for name in sorted(files):
                path = os.path.join(folder, name)
                with open(path, "rb") as content:
                    data = content.read()
                mode = 0o755 if os.access(path, os.X_OK) else 0o644
                archive.addfile(entry(os.path.normpath(os.path.join(below, name)), tarfile.REGTYPE, mode, len(data)), io.BytesIO(data))
    return written.getvalue()


def main():
    root, output, version, revision = sys.argv[1:]
    blobs = {}

    def keep(data, media):
        digest = hashlib.sha256(data).hexdigest()
        blobs[digest] = data
        return {"mediaType": f"application/vnd.oci.image.{media}", "digest": f"sha256:{digest}", "size": len(data)}

    plain = layer(root)
    packed = keep(gzip.compress(plain, 9, mtime=0), "layer.v1.tar+gzip")
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(EPOCH))
    labels = {
        "org.opencontainers.image.title": "vestibule",
        "org.opencontainers.image.description": "Staged user self-service that runs IDM projects",
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.revision": revision,
    }
    config = {
        "created": created,
        "architecture": MACHINES[os.uname().machine],
        "os": "linux",
        "config": {
            "User": "65532:65532",
            "ExposedPorts": {"8080/tcp": {}},
            "Env": ["PATH=/usr/bin", "VESTIBULE_DATA=/data"],
            "Entrypoint": ["/usr/bin/vestibule"],
            "Cmd": ["serve", "--listen", "0.0.0.0:8080"],
            "Volumes": {"/data": {}},
            "WorkingDir": "/",
            "Labels": labels,
            "StopSignal": "SIGTERM",
        },
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(plain).hexdigest()]},
        "history": [{"created": created, "created_by": "packaging/image.py"}],
    }
    text = lambda value: json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": keep(text(config), "config.v1+json"),
        "layers": [packed],
        "annotations": labels,
    }
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            {
                **keep(text(manifest), "manifest.v1+json"),
                "platform": {"architecture": config["architecture"], "os": "linux"},
                "annotations": {"org.opencontainers.image.ref.name": version},
            }
        ],
    }
    files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": text(index)}
    files.update({f"blobs/sha256/{digest}": data for digest, data in blobs.items()})
    with tarfile.open(output, "w", format=tarfile.GNU_FORMAT) as archive:
        for name in ("blobs", "blobs/sha256"):
            archive.addfile(entry(name, tarfile.DIRTYPE, 0o755))
        for name in sorted(files):
            archive.addfile(entry(name, tarfile.REGTYPE, 0o644, len(files[name])), io.BytesIO(files[name]))
    print(f"{output}: layer of {packed['size']} bytes, {index['manifests'][0]['digest']}")


if __name__ == "__main__":
    main()
