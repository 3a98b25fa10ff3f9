"""How the parts of the benchmark judge and summarise."""

import subprocess

import numpy as np
import onnx
import pytest

from benchmarks import bench, convert, effort, exactness, forms, hosts, jobs, loops, stacks
from benchmarks.__main__ import schedule
from benchmarks.parts import PARTS
from benchmarks.rounds import Sample
from sepcost import factorize
from sepcost.separable.factors.blocks import Form


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"macs": 1000}, "exact"),
        ({"macs": 1010, "biases": 10}, "exact"),
        ({"macs": 1510, "biases": 10, "rest": 500}, "exact"),
        ({"macs": 4000}, "exact"),  # the other convention of a transposed convolution
        ({"macs": 1009}, "within 1%"),
        ({"macs": 990}, "within 1%"),
        ({"macs": 0}, "wrong"),
        ({"macs": None}, "no count"),
        ({"failed": "KeyError: 10"}, "no count"),
    ],
)
def test_a_count_is_judged_by_the_run(found, expected):
    assert exactness.outcome(found, [1000, 4000]) == expected
    assert expected in exactness.OUTCOMES


def row(estimate, low, high, verdict="same"):
    return {"estimate": estimate, "low": low, "high": high, "verdict": verdict, "seconds": 5.0}


def test_ratios_here_and_there_agree_if_their_intervals_overlap():
    assert not hosts.apart(row(1.0, 0.9, 1.1), row(1.15, 1.1, 1.2))
    assert hosts.apart(row(1.0, 0.9, 1.1), row(1.15, 1.11, 1.2))
    assert hosts.apart(row(1.15, 1.11, 1.2), row(1.0, 0.9, 1.1))


def test_comparisons_add_up():
    rows = [row(1.0, 0.99, 1.01), row(1.07, 1.06, 1.08, "slower"), row(0.94, 0.9, 1.0, "same")]
    found = bench.summary(rows, truth=1.0)
    assert (found["same"], found["slower"]) == (2, 1)
    assert found["gate_fails"] == 1  # the whole interval above
    assert found["off_by_gate"] == 2  # 7% above, 6% below
    assert found["covered"] == 2
    assert found["largest_error"] == pytest.approx(0.07)


def test_the_twins_have_the_share_of_layers_that_their_names_say(tmp_path):
    pairs = bench.models(tmp_path)
    layers = {
        name: len(convolutions(pair[1])) / len(convolutions(pair[0]))
        for name, pair in pairs.items()
    }
    assert layers == {"equal": 1, "five_per_cent": 1.05, "fifteen_per_cent": 1.15, "separable": 2}


def convolutions(model):
    return [node for node in onnx.load(model.path).graph.node if node.op_type == "Conv"]


def test_two_loops_claim_an_interval_around_their_ratio(tmp_path):
    model = stacks.write(tmp_path / "m.onnx", [stacks.regular], 16, 8)
    found = loops.two_loops(model, model)
    assert 0 < found.low < found.estimate < found.high


def test_forms_promise_the_ratio_of_their_macs(tmp_path):
    files, theory = forms.variants(tmp_path, 32, 7)
    n, k = 32, 9
    assert theory["dw-pw 1"] == pytest.approx(n * k / (n + k))
    assert theory["dw-pw 2 grouped"] == theory["dw-pw 2"] == pytest.approx(n * k / (n + k) / 2)
    assert theory["block 16"] == pytest.approx(n * k / (n + 16 * k))
    assert set(files) == {"regular", *theory}


def test_the_summary_of_forms_is_over_the_shapes():
    def shape(emitted, naive):
        sides = {"dw-pw 2": emitted, "dw-pw 2 grouped": naive, "dw-pw 4": 1, "dw-pw 4 grouped": 1}
        variants = {name: {"theory": 4.0, "speedup": [0, x, 0]} for name, x in sides.items()}
        return {"threads": 1, "variants": variants}

    found = forms.summary([shape(4, 2), shape(2, 2), shape(3, 1)])
    assert found["1"]["over_naive"]["2"] == [1, 2, 3]
    assert found["1"]["of_theory"]["dw-pw 2"] == [0.5, 0.75, 1]


def test_plain_svds_give_the_same_factors():
    weight = np.random.default_rng(0).standard_normal((8, 4, 3, 3))
    ours = factorize(weight, Form.DEPTHWISE_POINTWISE, 1)
    plain = convert.plain(weight)
    for channel, (points, kernel) in enumerate(plain):
        product = ours.pointwise[0, :, channel].reshape(-1, 1) @ ours.spatial[0, channel].reshape(
            1, -1
        )
        np.testing.assert_allclose(points @ kernel, product, atol=1e-9)


def test_the_schedule_lists_only_the_chosen_parts():
    lines = schedule(["analyze", "forms"], quick=False)
    assert str(PARTS["analyze"].minutes) in lines
    assert lines.endswith("total")
    assert "bench" not in lines.split()


def test_the_loss_on_unseen_samples_is_a_divergence_with_its_standard_error():
    before = np.log([[0.5, 0.5], [0.9, 0.1]])
    after = np.log([[0.25, 0.75], [0.9, 0.1]]) + 3.0  # a shift of all scores changes nothing
    first = 0.5 * np.log(2) + 0.5 * np.log(0.5 / 0.75)
    found = effort.unseen(before, after)
    assert found["loss"] == pytest.approx(first / 2)
    assert found["error"] == pytest.approx(first / 2 / np.sqrt(2))


def test_ratios_stand_below_the_commit_of_now():
    def side(scale):
        keys = ("wall_s", "cpu_s", "peak_mb", "loss")
        return {key: [scale] * 3 for key in keys} | {
            "ratios": {key: [scale / 4] * 3 for key in keys}
        }

    shown = effort.table("net", {"now": side(1.0), "before": side(4.0)}).splitlines()
    assert shown[-2].split() == ["ratio", *["0.250"] * 4]
    assert shown[-1].split() == ["before", *["4"] * 4]


def test_a_conversion_that_was_cut_short_is_compared_without_its_loss():
    whole, cut = Sample({"wall_s": 9.0, "loss": 0.1}), Sample({"wall_s": 60.0})
    shown = effort.alike({"now": [whole], "before": [cut]})
    assert [dict(one.values) for one in shown["now"]] == [{"wall_s": 9.0}]
    assert shown["before"] == [cut]
    assert effort.alike({"now": [whole], "before": [Sample(failed="no")]})["now"] == [whole]


@pytest.mark.parametrize("code", [0, 1, 2])
def test_a_missed_goal_is_no_failure(code):
    line = ["sh", "-c", effort.CUT, "sh", "sh", "-c", f"exit {code}"]
    assert subprocess.run(line, check=False).returncode == (code > 1)


@pytest.mark.parametrize(
    ("code", "lost", "expected"),
    [(0, 0.05, jobs.KEPT), (0, 0.2, jobs.BROKEN), (1, 0.2, jobs.REFUSED), (1, 0.05, jobs.UNMET)],
)
def test_a_job_is_broken_in_silence_only_if_convert_accepts_the_result(code, lost, expected):
    assert jobs.outcome(code, {"box F1": lost}, {"box F1": 0.1}) == expected


def test_words_are_read_with_the_letters_that_the_original_shows():
    def scores(paths):
        return [np.eye(4)[np.array(paths)]]

    texts = {"words": np.array(["ab", "ba", "ab"])}
    before, after = (
        scores([[1, 0, 2], [2, 1, 0], [1, 1, 2]]),
        scores([[1, 0, 2], [2, 1, 0], [3, 0, 2]]),
    )
    assert jobs.right_words(before, after, texts)["words correct"] == pytest.approx((1.0, 2 / 3))


def test_every_job_has_data_of_its_own_kind():
    data = pytest.importorskip("benchmarks.job_data", exc_type=ImportError)
    assert {job.data for job in jobs.JOBS.values()} == set(data.DATA)
