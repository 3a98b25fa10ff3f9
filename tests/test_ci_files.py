"""The GitHub Action, the pre-commit hook and the CI examples work, as far as they run here."""

import json
import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from sepcost.cli.app import app
from tests.cli import models

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples" / "ci"
SCRIPTS = Path(sysconfig.get_path("scripts"))


def read(path):
    return yaml.safe_load(path.read_text())


ACTION = read(ROOT / "action.yml")


@pytest.fixture
def home(tmp_path):
    """A runner on which the action's first step has installed sepcost."""
    place = tmp_path / "runner" / "sepcost" / "bin"
    place.mkdir(parents=True)
    (place / "sepcost").symlink_to(SCRIPTS / "sepcost")
    return tmp_path


def act(home, **inputs):
    """Run the action's last step as a runner does: inputs by name, then the script in bash."""
    step = ACTION["runs"]["steps"][-1]
    defaults = {name: about["default"] for name, about in ACTION["inputs"].items()}
    values = defaults | inputs
    environment = {
        name: values[text.removeprefix("${{ inputs.").removesuffix(" }}")]
        for name, text in step["env"].items()
    }
    extra = {"RUNNER_TEMP": str(home / "runner"), "GITHUB_STEP_SUMMARY": str(home / "summary.md")}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
        cwd=home, env=os.environ | environment | extra, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="the script is for bash")
@pytest.mark.skipif(not (SCRIPTS / "sepcost").exists(), reason="sepcost is not installed")
class TestAction:
    def test_a_broken_budget_fails_the_step_and_annotates(self, home):
        models.conv(home)
        (home / "sepcost.toml").write_text('[budgets."*.onnx"]\nmacs = 1')
        done = act(home, sarif="out.sarif", junit="report.xml")
        assert (done.returncode, done.stderr) == (1, "")
        assert "::error file=sepcost.toml,line=2,title=" in done.stdout
        assert (
            "### ❌ sepcost check: 1 model: 1 budget exceeded" in (home / "summary.md").read_text()
        )
        assert json.loads((home / "out.sarif").read_text())["version"] == "2.1.0"
        assert "<testsuites" in (home / "report.xml").read_text()

    def test_a_budget_that_is_met_passes_the_step(self, home):
        models.conv(home)
        done = act(home, sources="m.onnx", args="--max-macs 1M --jobs 1", exact="true")
        assert (done.returncode, done.stderr) == (0, "")

    def test_an_input_is_never_a_command(self, home):
        done = act(
            home, sources="$(touch stolen) `touch stolen`; touch stolen", args="--max-macs 1"
        )
        assert done.returncode == 2
        assert not (home / "stolen").exists()


def test_no_input_is_pasted_into_a_script():
    assert all("${{" not in step["run"] for step in ACTION["runs"]["steps"])
    used = json.dumps(ACTION["runs"])
    assert all(f"inputs.{name} " in used for name in ACTION["inputs"])


def test_the_hook_is_a_valid_command_and_runs_no_model():
    (hook,) = read(ROOT / ".pre-commit-hooks.yaml")
    program, *arguments = shlex.split(hook["entry"])
    assert (program, hook["language"], hook["pass_filenames"]) == ("sepcost", "python", False)
    done = CliRunner().invoke(app, [*arguments, "--config", str(EXAMPLES / "sepcost.toml")])
    assert done.exit_code == 0, done.output
    assert "latency" not in done.stdout


def test_the_examples_use_existing_inputs_and_hooks():
    (repo,) = read(EXAMPLES / "pre-commit-config.yaml")["repos"]
    (hook,) = read(ROOT / ".pre-commit-hooks.yaml")
    assert [each["id"] for each in repo["hooks"]] == [hook["id"]]
    job = read(EXAMPLES / "github.yml")["jobs"]["budgets"]
    ours = next(step for step in job["steps"] if step.get("uses", "").startswith("sepcost/"))
    assert set(ours["with"]) <= set(ACTION["inputs"])


def test_the_gitlab_example_runs_here(tmp_path, monkeypatch):
    from tests.evidence.repository import commit, init

    monkeypatch.chdir(tmp_path)
    init(tmp_path)
    models.conv(tmp_path)
    (tmp_path / "sepcost.toml").write_text('[budgets."*.onnx"]\nmacs-vs-baseline = "+0 %"')
    commit(tmp_path)
    job = read(EXAMPLES / "gitlab-ci.yml")["cost"]
    command = job["script"][-1].replace("origin/$CI_DEFAULT_BRANCH", "main")
    done = CliRunner().invoke(app, shlex.split(command)[1:])
    assert done.exit_code == 0, done.output
    for report in job["artifacts"]["reports"].values():
        assert (tmp_path / report).exists()
