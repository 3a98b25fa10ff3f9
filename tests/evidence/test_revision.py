"""A model at a git revision."""

import shlex

import pytest

from sepcost.errors import BudgetError
from sepcost.evidence.revision import resolve
from tests.evidence.repository import commit, git, init, to_lfs


@pytest.fixture
def work(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    init(folder)
    (folder / "m.onnx").write_bytes(b"old")
    commit(folder)
    (folder / "m.onnx").write_bytes(b"new")
    return folder


def test_the_old_bytes_come_out_and_the_new_ones_stay(work, tmp_path):
    found = resolve("HEAD", work).extract(work / "m.onnx", tmp_path / "out")
    assert found is not None
    assert found.read_bytes() == b"old"
    assert (work / "m.onnx").read_bytes() == b"new"


def test_a_subfolder_is_part_of_its_work_tree(work, tmp_path):
    (work / "sub").mkdir()
    (work / "sub" / "n.onnx").write_bytes(b"x")
    commit(work)
    revision = resolve("main", work / "sub")
    found = revision.extract(work / "sub" / "n.onnx", tmp_path / "out")
    assert found is not None
    assert found.read_bytes() == b"x"


def test_a_file_that_the_revision_lacks_is_none(work, tmp_path):
    (work / "fresh.onnx").write_bytes(b"x")
    assert resolve("HEAD", work).extract(work / "fresh.onnx", tmp_path) is None


def test_a_pointer_leads_to_the_fetched_content(work, tmp_path):
    data = to_lfs(work / "m.onnx", fetched=True)
    commit(work)
    found = resolve("HEAD", work).extract(work / "m.onnx", tmp_path / "out")
    assert found is not None
    assert found.read_bytes() == data


def test_a_pointer_to_nothing_says_how_to_fetch_it(work, tmp_path):
    to_lfs(work / "m.onnx", fetched=False)
    commit(work)
    with pytest.raises(
        BudgetError, match=r"git:main:m\.onnx: a Git LFS pointer.*git lfs fetch"
    ) as e:
        resolve("main", work).extract(work / "m.onnx", tmp_path / "out")
    assert resolve("main", work).commit in str(e.value)  # LFS knows no HEAD~1


def refusal(name, folder):
    with pytest.raises(BudgetError) as caught:
        resolve(name, folder)
    return str(caught.value)


@pytest.fixture
def shallow(work, tmp_path):
    """A clone of the last commit of one branch, as CI makes it."""
    commit(work)
    git(work, "branch", "dev", "HEAD~1")
    git(work, "tag", "v1", "HEAD~1")
    git(tmp_path, "clone", "-q", "--depth", "1", "--no-tags", work.as_uri(), "clone")
    return tmp_path / "clone"


@pytest.mark.parametrize("name", ["origin/dev", "dev", "v1", "HEAD~1", "origin/main~1"])
def test_an_unknown_revision_says_how_to_fetch_it_and_that_helps(work, shallow, name):
    said = refusal(name, shallow)
    assert f"git:{name}: revision not found; fetch it with 'git fetch " in said
    assert "fetch-depth: 0" in said
    git(shallow, *shlex.split(said.split("'")[1])[1:])
    assert resolve(name, shallow).commit == resolve("dev", work).commit


def test_a_remote_of_another_name_is_fetched_from(work, shallow):
    git(shallow, "remote", "rename", "origin", "upstream")
    assert "'git fetch upstream dev:refs/remotes/upstream/dev'" in refusal("upstream/dev", shallow)


def test_no_command_is_suggested_that_would_not_help(work):
    assert refusal("origin/main", work).endswith("; this repository has no remote to fetch it from")
    git(work, "remote", "add", "origin", str(work))
    assert refusal("HEAD~9", work).endswith("; the history does not go back so far")
    assert refusal("0" * 40, work).endswith("; try 'git fetch origin'")


@pytest.mark.parametrize("name", ["--output=x", "-1", "HEAD:m.onnx", ""])
def test_a_revision_is_never_an_option_and_always_a_commit(work, name):
    with pytest.raises(BudgetError, match="revision not found"):
        resolve(name, work)
    assert not (work / "x").exists()


def test_outside_a_work_tree_there_is_no_revision(tmp_path, work, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(BudgetError, match="is not in a git repository"):
        resolve("HEAD", tmp_path)
    with pytest.raises(BudgetError, match=r"the folder .*src does not exist"):
        resolve("HEAD", tmp_path / "src")
    with pytest.raises(BudgetError, match="outside the git repository"):
        resolve("HEAD", work).extract(tmp_path / "m.onnx", tmp_path)


def test_without_git_the_remedy_is_a_file(work, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BudgetError, match="git is not installed"):
        resolve("HEAD", work)


def test_a_tag_names_its_commit(work):
    git(work, "tag", "-a", "v1", "-m", "x")
    assert resolve("v1", work).commit == resolve("HEAD", work).commit
