"""A model as it stands at a git revision, through Git LFS pointers too; the only user of git."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sepcost.errors import BudgetError
from sepcost.toml_lines import shown

PREFIX = "git:"
TIMEOUT_S = 120
POINTER = b"version https://git-lfs.github.com/spec/"
MAX_POINTER_BYTES = 1024

#: Names of revisions that are safe to quote in a command, and hashes of commits.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./~^@{}+-]*")
_HASH = re.compile("[0-9a-f]{7,40}")


@dataclass(frozen=True, slots=True)
class Revision:
    """One commit of the work tree that holds ``folder``."""

    name: str  # as it was written: "origin/main"
    commit: str
    top: Path  # of the work tree

    def extract(self, path: Path, into: Path) -> Path | None:
        """Write a file of the revision below ``into``; None where the revision has none there.

        Raises
        ------
        BudgetError
            Where it lies outside the work tree, or its content is in Git LFS and not here.
        """
        try:
            inside = Path(os.path.abspath(path)).resolve().relative_to(self.top.resolve())
        except ValueError:
            raise BudgetError(
                f"{path}: lies outside the git work tree {self.top}; name a baseline file instead "
                f"of {PREFIX}{self.name}"
            ) from None
        blob = f"{self.commit}:{PurePosixPath(inside)}"
        if _git(self.top, "cat-file", "-e", blob).returncode:
            return None
        target = into / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            done = _git(self.top, "cat-file", "blob", blob, stdout=file)
        if done.returncode:
            raise BudgetError(f"{self.called(inside)}: {_said(done)}")
        return self._smudged(inside, target)

    def extract_data(self, path: Path, extracted: Path, into: Path) -> None:
        """Write the external data of the model at ``path`` below ``into``, as far as there are.

        Raises
        ------
        SepcostError
            As for ``extract``, and if ``extracted`` is no model.
        """
        from sepcost.model.external import files  # noqa: PLC0415  (imports onnx)

        for data in files(extracted):
            self.extract(path.parent / data.relative_to(extracted.parent), into)

    def called(self, inside: Path) -> str:
        """The file at the revision, as messages name it."""
        return f"{PREFIX}{self.name}:{PurePosixPath(inside)}"

    def _smudged(self, inside: Path, target: Path) -> Path:
        """Where the blob is a Git LFS pointer, the object that it points to."""
        with target.open("rb") as file:
            head = file.read(MAX_POINTER_BYTES)
        if not head.startswith(POINTER):
            return target
        oid = re.search(rb"^oid sha256:([0-9a-f]{64})$", head, re.MULTILINE)
        if oid is None:
            raise BudgetError(f"{self.called(inside)}: is a Git LFS pointer without an oid")
        digest = oid[1].decode()
        found = _objects(self.top) / digest[:2] / digest[2:4] / digest
        if not found.is_file():
            raise BudgetError(
                f"{self.called(inside)}: is a Git LFS pointer and its content is not here; fetch "
                f"it with 'git lfs fetch {_remote(self.top, self.name)[0]} {self.commit}' (in "
                "GitHub Actions: actions/checkout with 'lfs: true', then this command)"
            )
        target.unlink()
        _link(found, target)
        return target


def resolve(name: str, folder: Path) -> Revision:
    """Find the commit that a revision names, in the work tree around ``folder``.

    Raises
    ------
    BudgetError
        Where git is missing, ``folder`` is in no work tree, or the revision is not here.
    """
    top = _git(folder, "rev-parse", "--show-toplevel")
    if top.returncode:
        raise BudgetError(
            f"baseline {PREFIX}{name}: {folder} is in no git work tree ({_said(top)}); "
            "name a baseline file instead"
        )
    root = Path(os.fsdecode(top.stdout.rstrip(b"\n")))
    found = _commit(root, name)
    if found.returncode:
        raise BudgetError(f"{PREFIX}{name}: no such revision here{_remedy(root, name)}")
    return Revision(name, found.stdout.decode().strip(), root)


def _remedy(top: Path, name: str) -> str:
    """How to get a revision that is not here, where that can be told."""
    if not _NAME.fullmatch(name):
        return ""
    remote, branch = _remote(top, name)
    if not remote:
        return "; nor is there a remote to fetch it from"
    base = re.split("[~^@]", branch)[0]
    known = base in {"", "HEAD"} or _known(top, name.removesuffix(branch) + base)
    shallow = _git(top, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"
    if known or _HASH.fullmatch(base):
        if not shallow:
            return "; its history holds none" if known else f"; 'git fetch {remote}' may bring it"
        command = f"git fetch --unshallow {remote}"
    elif name == branch:
        command = f"git fetch {remote} {base}:{base}"
    else:
        command = f"git fetch {remote} {base}:refs/remotes/{name.removesuffix(branch)}{base}"
    return (
        f"; fetch it with '{command}' (in GitHub Actions: actions/checkout with 'fetch-depth: 0')"
    )


def _known(top: Path, name: str) -> bool:
    return not _commit(top, name).returncode


def _commit(top: Path, name: str) -> subprocess.CompletedProcess[bytes]:
    return _git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")


def _remote(top: Path, name: str) -> tuple[str, str]:
    """The remote that a revision is from, ``origin`` where none is named, and its name there."""
    remotes = os.fsdecode(_git(top, "remote").stdout).split()
    before, slash, after = name.partition("/")
    if slash and before in remotes:
        return before, after
    return "origin" if "origin" in remotes else next(iter(remotes), ""), name


def _link(found: Path, target: Path) -> None:
    """Hard links cost nothing; they do not cross file systems."""
    try:
        os.link(found, target)
    except OSError:
        shutil.copyfile(found, target)


def _objects(top: Path) -> Path:
    common = _git(top, "rev-parse", "--git-common-dir").stdout
    return (top / os.fsdecode(common.rstrip(b"\n")) / "lfs" / "objects").resolve()


def _git(
    folder: Path, *arguments: str, stdout: object = subprocess.PIPE
) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    try:
        return subprocess.run(  # type: ignore[call-overload,no-any-return]
            ["git", "-C", str(folder), *arguments],
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
            env=environment, timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise BudgetError("baseline git:...: git is not installed; name a baseline file") from None
    except subprocess.TimeoutExpired:
        raise BudgetError(f"git {shown(arguments[0])} took over {TIMEOUT_S} s") from None


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return lines[0].removeprefix("fatal: ") if lines else f"git ended with {done.returncode}"
