"""A git work tree with models."""

import hashlib
import os
import subprocess

ENVIRONMENT = {
    **os.environ,
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@b",
}  # fmt: skip


def git(folder, *arguments):
    subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, env=ENVIRONMENT
    )


def init(folder):
    git(folder, "init", "-q", "-b", "main")


def commit(folder):
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "x")


def to_lfs(path, fetched):
    """Replace a file with a Git LFS pointer, and move its content to the LFS store."""
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    path.write_text(
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(data)}\n"
    )
    if fetched:
        place = path.parent / ".git" / "lfs" / "objects" / digest[:2] / digest[2:4]
        place.mkdir(parents=True)
        (place / digest).write_bytes(data)
    return data
