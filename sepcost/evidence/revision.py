"""A model at a git revision, also behind a Git LFS pointer; the only user of git."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sepcost.errors import BudgetError

PREFIX = "git:"
TIMEOUT_S = 120
POINTER = b"version https://git-lfs.github.com/spec/"
MAX_POINTER_BYTES = 1024

#: Names of revisions that are safe to quote in a command, and hashes of commits.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./~^@{}+-]*")
_HASH = re.compile("[0-9a-f]{7,40}")


@dataclass(frozen=True, slots=True)
class Revision:
    """One commit of a work tree."""

    name: str  # as written: "origin/main"
    commit: str
    top: Path  # of the work tree

    def extract(self, path: Path, into: Path) -> Path | None:
        """Write a file of the revision below ``into``; None if it does not exist there.

        Raises
        ------
        BudgetError
            If it is outside the work tree, or its content is in Git LFS and was not fetched.
        """
        try:
            inside = Path(os.path.abspath(path)).resolve().relative_to(self.top.resolve())
        except ValueError:
            raise BudgetError(
                f"{path}: outside the git repository {self.top}; compare with a file, not with "
                f"{PREFIX}{self.name}"
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
        """Write the external data of the model at ``path`` below ``into``, if there is any.

        Raises
        ------
        SepcostError
            As for ``extract``, and if ``extracted`` is not a model.
        """
        from sepcost.model.external import files  # noqa: PLC0415  (imports onnx)

        for data in files(extracted):
            self.extract(path.parent / data.relative_to(extracted.parent), into)

    def naming(self, message: str, into: Path) -> str:
        """The message, with files below ``into`` called as they are called at the revision."""
        return message.replace(f"{into}{os.sep}", f"{PREFIX}{self.name}:")

    def called(self, inside: Path) -> str:
        """The file at the revision, for messages."""
        return f"{PREFIX}{self.name}:{PurePosixPath(inside)}"

    def _smudged(self, inside: Path, target: Path) -> Path:
        """The file itself, or the object that it points to if it is a Git LFS pointer."""
        with target.open("rb") as file:
            head = file.read(MAX_POINTER_BYTES)
        if not head.startswith(POINTER):
            return target
        oid = re.search(rb"^oid sha256:([0-9a-f]{64})$", head, re.MULTILINE)
        if oid is None:
            raise BudgetError(
                f"{self.called(inside)}: a Git LFS pointer without an oid; commit the model again"
            )
        digest = oid[1].decode()
        content = _objects(self.top) / digest[:2] / digest[2:4] / digest
        if not content.is_file():
            raise BudgetError(
                f"{self.called(inside)}: a Git LFS pointer whose content was not fetched; fetch "
                f"it with 'git lfs fetch {_remote(self.top, self.name)[0]} {self.commit}' (in "
                "GitHub Actions: actions/checkout with 'lfs: true', then this command)"
            )
        target.unlink()
        _link(content, target)
        return target


def resolve(name: str, folder: Path) -> Revision:
    """Find the commit that a revision names, in the work tree around ``folder``.

    Raises
    ------
    BudgetError
        If git or ``folder`` is missing, it is not in a work tree, or the revision is not found.
    """
    if not folder.is_dir():
        raise BudgetError(f"{PREFIX}{name}: the folder {os.path.normpath(folder)} does not exist")
    top = _git(folder, "rev-parse", "--show-toplevel")
    if top.returncode:
        reason = _said(top)
        why = "" if reason.startswith("not a git repository") else f" ({reason})"
        place = os.path.normpath(folder)
        raise BudgetError(
            f"{PREFIX}{name}: {place} is not in a git repository{why}; compare with a file"
        )
    root = Path(os.fsdecode(top.stdout.rstrip(b"\n")))
    commit = _commit(root, name)
    if commit.returncode:
        raise BudgetError(f"{PREFIX}{name}: revision not found{_remedy(root, name)}")
    return Revision(name, commit.stdout.decode().strip(), root)


def _remedy(top: Path, name: str) -> str:
    """How to name or get a missing revision, if known."""
    revision, colon, _ = name.partition(":")
    if colon:
        return f"; write {PREFIX}{revision}, which means the same file at that revision"
    if not _NAME.fullmatch(name):
        return ""
    remote, branch = _remote(top, name)
    if not remote:
        return "; this repository has no remote to fetch it from"
    base = re.split("[~^@]", branch)[0]
    known = base in {"", "HEAD"} or _known(top, name.removesuffix(branch) + base)
    shallow = _git(top, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"
    if known or _HASH.fullmatch(base):
        if not shallow:
            return (
                "; the history does not go back so far" if known else f"; try 'git fetch {remote}'"
            )
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
    """The remote of a revision (``origin`` if none is named), and the revision's name there."""
    remotes = os.fsdecode(_git(top, "remote").stdout).split()
    before, slash, after = name.partition("/")
    if slash and before in remotes:
        return before, after
    return "origin" if "origin" in remotes else next(iter(remotes), ""), name


def _link(found: Path, target: Path) -> None:
    """A hard link takes no space, but does not cross file systems."""
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
        raise BudgetError("git is not installed; install it, or compare with a file") from None
    except subprocess.TimeoutExpired:
        raise BudgetError(
            f"git {arguments[0]} took longer than {TIMEOUT_S} s; compare with a file"
        ) from None


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return lines[0].removeprefix("fatal: ") if lines else f"git ended with {done.returncode}"
