"""Fetch the newest plotly.js-basic into the package and verify the registry's hash.

``python -m docs.tools.vendor_plotly [VERSION]``; then look at a report and run the tests marked
``browser``.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path
from urllib.request import urlopen

REGISTRY = "https://registry.npmjs.org/plotly.js-basic-dist-min"
VENDOR = Path(__file__).parents[2] / "sepcost" / "report" / "html" / "vendor"
SCRIPT, LICENCE = "plotly-basic.min.js", "LICENSE"


def fetch(url: str) -> bytes:
    """Download a file over HTTPS."""
    with urlopen(url, timeout=60) as answer:
        data: bytes = answer.read()
    return data


def main(version: str = "latest") -> None:
    """Write the script, its licence, and a note of its version and hashes."""
    about = json.loads(fetch(f"{REGISTRY}/{version}"))
    archive = fetch(about["dist"]["tarball"])
    digest = base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if about["dist"]["integrity"] != f"sha512-{digest}":
        raise SystemExit("the hash of the archive differs from the registry's")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for name in (SCRIPT, LICENCE):
            member = tar.extractfile(f"package/{name}")
            if member is None:
                raise SystemExit(f"the archive has no {name}")
            (VENDOR / name).write_bytes(member.read())
    note = {
        "name": about["name"],
        "version": about["version"],
        "license": about["license"],
        "source": about["dist"]["tarball"],
        "integrity": about["dist"]["integrity"],
        "sha256": hashlib.sha256((VENDOR / SCRIPT).read_bytes()).hexdigest(),
    }
    (VENDOR / "plotly-basic.json").write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")
    print(f"{about['name']} {about['version']}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
