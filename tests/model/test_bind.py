"""Dynamic dimensions of inputs, bound by symbol, by input or by convention."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TypeProto, ValueInfoProto, helper

from sepcost.errors import BindingError
from sepcost.model.bind import MAX_SIZE, bind_inputs
from sepcost.model.values import static_shape


def tensor(name, *dims):
    return helper.make_tensor_value_info(name, 1, dims)


def bound(*inputs, bind=None, shape=None):
    return bind_inputs(inputs, "m.onnx", bind or {}, shape or {})


def shapes(found):
    return {name: static_shape(type_) for name, type_ in found.types.items()}


def refusal(*inputs, **given):
    with pytest.raises(BindingError) as caught:
        bound(*inputs, **given)
    assert str(caught.value).startswith("m.onnx: ")
    return str(caught.value)


def test_a_static_input_passes():
    found = bound(tensor("x", 1, 3))
    assert shapes(found) == {"x": (1, 3)}
    assert (found.bindings, found.batch, found.warnings) == ({}, None, [])


def test_a_scalar_has_no_dimension_to_bind():
    assert shapes(bound(tensor("x"))) == {"x": ()}


def test_symbols_are_bound_everywhere():
    found = bound(tensor("x", "N", 3, "H"), tensor("y", "H", "N"), bind={"N": 2, "H": 5})
    assert shapes(found) == {"x": (2, 3, 5), "y": (5, 2)}
    assert found.bindings == {"N": 2, "H": 5}
    assert found.warnings == []


def test_a_whole_shape_binds_the_symbols_that_it_mentions():
    found = bound(tensor("x", "N", 3, "H"), tensor("y", "H"), shape={"x": [2, 3, 5]})
    assert shapes(found) == {"x": (2, 3, 5), "y": (5,)}
    assert found.bindings == {"N": 2, "H": 5}


def test_the_leading_dimension_is_one_unless_bound_and_reported():
    found = bound(tensor("x", "N", 3), tensor("y", "N"))
    assert shapes(found) == {"x": (1, 3), "y": (1,)}
    assert found.bindings == {"N": 1}
    assert found.warnings == ["batch dimension N is not bound; using 1"]


@pytest.mark.parametrize("open_", [None, -1, ""])
def test_a_leading_dimension_without_a_name_is_one(open_):
    found = bound(tensor("x", open_, 3))
    assert shapes(found) == {"x": (1, 3)}
    assert "leading dimension" in found.warnings[0]


def test_the_batch_is_what_the_leading_dimensions_agree_on():
    assert bound(tensor("x", "N", 3), bind={"N": 8}).batch == 8
    assert bound(tensor("x", None, 3), shape={"x": (4, 3)}).batch == 4
    assert bound(tensor("x", 8, 3)).batch is None
    assert bound(tensor("x", "N"), tensor("y", "M"), bind={"N": 2, "M": 3}).batch is None


def test_a_declared_size_of_0_is_a_size():
    found = bound(tensor("x", "N", 8, 0, 64))
    assert shapes(found) == {"x": (1, 8, 0, 64)}
    assert shapes(bound(tensor("x", 1, 8, 0), shape={"x": [1, 8, 0]})) == {"x": (1, 8, 0)}
    leading = bound(tensor("x", 0, 3))
    assert (shapes(leading), leading.batch) == ({"x": (0, 3)}, None)
    assert leading.warnings == ["input x: the leading dimension is declared as 0"]
    assert "does not fit the model: axis 0 must be 0, not 1" in refusal(
        tensor("x", 0, 3), shape={"x": [1, 3]}
    )


@pytest.mark.parametrize(
    ("given_", "sizes"),
    [
        ({}, (1, 2)),
        ({"bind": {"s77": 4}}, (4, 8)),
        ({"bind": {"2*s77": 8}}, (4, 8)),
        ({"bind": {"2*s77": 8, "s77": 4}}, (4, 8)),
        ({"shape": {"y": [8, 3]}}, (4, 8)),
        ({"shape": {"x": [4, 3]}}, (4, 8)),
    ],
)
def test_a_size_that_is_derived_is_solved(given_, sizes):
    found = bound(tensor("x", "s77", 3), tensor("y", "2*s77", 3), **given_)
    assert shapes(found) == {"x": (sizes[0], 3), "y": (sizes[1], 3)}
    assert found.bindings == {"s77": sizes[0], "2*s77": sizes[1]}
    assert found.batch == sizes[0]
    assert found.warnings[-1] == f"dimension 2*s77 is {sizes[1]}, from s77={sizes[0]}" or given_


def test_a_cache_and_the_mask_over_it():
    inputs = tensor("ids", "batch", "sequence"), tensor("cache", "batch", 8, "past", 64)
    mask = tensor("mask", "batch", "past + sequence")
    found = bound(*inputs, mask, bind={"sequence": 1, "past": 16})
    assert shapes(found)["mask"] == (1, 17)
    assert found.warnings == [
        "batch dimension batch is not bound; using 1",
        "dimension past + sequence is 17, from past=16, sequence=1",
    ]
    solved = bound(*inputs, mask, bind={"sequence": 1, "past + sequence": 17})
    assert shapes(solved)["cache"] == (1, 8, 16, 64)


def test_a_derived_size_whose_symbols_are_open_names_them():
    line = refusal(tensor("x", "2*s77", 3), tensor("y", 1, "s5 + s6"), bind={"s6": 2})
    assert "input 'y' has the dynamic shape [1, s5 + s6]" in line
    assert line.endswith("add --bind s5=SIZE --bind s77=SIZE")


@pytest.mark.parametrize(
    ("given_", "part"),
    [
        ({"bind": {"s77": 4, "2*s77": 9}}, "2*s77=9 contradicts s77=4, which gives 8"),
        ({"bind": {"2*s77": 9}}, "2*s77=9 has no solution for s77; use --bind s77=SIZE"),
        ({"shape": {"x": [4, 3], "y": [9, 3]}}, "2*s77=9 contradicts s77=4, which gives 8"),
    ],
)
def test_a_derived_size_that_does_not_fit_is_refused(given_, part):
    assert part in refusal(tensor("x", "s77", 3), tensor("y", "2*s77", 3), **given_)


def test_an_invalid_derived_size_is_refused():
    line = refusal(tensor("x", "N", 3), tensor("y", "N - 2", 3))
    assert "N - 2 is not a valid size with N=1; bind other sizes" in line
    assert "(N - 1)/2 is not a valid size" in refusal(
        tensor("x", "N", 3), tensor("y", "(N - 1)/2"), bind={"N": 4}
    )


def test_a_name_with_a_hyphen_is_a_name():
    found = bound(tensor("x", "batch-size", 3), tensor("y", 1, "seq-len"), bind={"seq-len": 5})
    assert shapes(found) == {"x": (1, 3), "y": (1, 5)}
    assert found.bindings == {"batch-size": 1, "seq-len": 5}
    assert found.batch == 1


def test_an_open_dimension_elsewhere_names_what_to_bind():
    line = refusal(tensor("x", "N", "C", None), tensor("z", "N"), bind={"N": 2})
    assert "input 'x' has the dynamic shape [2, C, ?]" in line
    assert "--bind C=SIZE --shape x=2xSIZExSIZE" in line
    assert "'z'" not in line


def test_symbols_of_several_inputs_are_named_once():
    assert refusal(tensor("x", 1, "H"), tensor("y", 1, "H")).count("--bind H=SIZE") == 1


def test_an_input_without_a_shape_must_be_given_one():
    anything = helper.make_tensor_value_info("x", 1, None)
    assert "--shape x=" in refusal(anything)
    assert shapes(bound(anything, shape={"x": [2, 3]})) == {"x": (2, 3)}


def test_values_that_are_not_tensors_pass():
    sequence = helper.make_sequence_type_proto(helper.make_tensor_type_proto(1, ["N"]))
    optional = helper.make_optional_type_proto(sequence)
    inputs = [ValueInfoProto(name="s", type=sequence), ValueInfoProto(name="o", type=optional)]
    assert bound(*inputs).types == {"s": sequence, "o": optional}
    assert bound(ValueInfoProto(name="x")).types == {"x": TypeProto()}
    assert "needs 0 dimensions, not 1" in refusal(*inputs, shape={"s": [1]})


@pytest.mark.parametrize(
    ("given_", "part"),
    [
        ({"bind": {"Q": 1}}, "no dimension named 'Q'; choose from H, N"),
        ({"shape": {"q": [1]}}, "no input named 'q'; choose from x"),
        ({"bind": {"N": 0}}, "expected a size from 1 to"),
        ({"bind": {"N": -3}}, "expected a size from 1 to"),
        ({"bind": {"N": MAX_SIZE + 1}}, "expected a size from 1 to"),
        ({"shape": {"x": [1, 3, 0]}}, "expected a size from 1 to"),
        ({"shape": {"x": [1, 3]}}, "needs 3 dimensions, not 2"),
        ({"shape": {"x": [1, 4, 5]}}, "does not fit the model: axis 1 must be 3, not 4"),
        ({"shape": {"x": [1, 3, 5]}, "bind": {"H": 6}}, "contradicts H=6"),
    ],
)
def test_contradictory_bindings_are_refused(given_, part):
    assert part in refusal(tensor("x", "N", 3, "H"), **given_)


@pytest.mark.parametrize(
    ("dims", "says"), [((1, 3), "all its input sizes are fixed"), ((1, ""), "use --shape INPUT=")]
)
def test_without_named_dimensions_the_advice_can_be_followed(dims, says):
    assert says in refusal(tensor("x", *dims), bind={"H": 64})


def test_one_symbol_twice_in_a_shape_must_agree():
    assert "contradicts S=2" in refusal(tensor("x", "S", "S"), shape={"x": [2, 3]})


def test_the_symbol_of_a_batch_may_occur_elsewhere_too():
    assert shapes(bound(tensor("x", "N", 3), tensor("y", 7, "N"))) == {"x": (1, 3), "y": (7, 1)}


def test_symbols_that_are_not_utf8():
    value = tensor("x", 1, "AAAA")
    raw = ValueInfoProto.FromString(value.SerializeToString().replace(b"AAAA", b"A\xffAA"))
    assert "A\\xffAA" in refusal(raw)


DIMS = st.lists(st.one_of(st.integers(1, 9), st.sampled_from("NHW"), st.none()), max_size=4)


@given(st.lists(DIMS, min_size=1, max_size=3), st.dictionaries(st.sampled_from("NHW"),
       st.integers(1, 9)))  # fmt: skip
def test_bound_inputs_are_static_and_keep_what_was_fixed(inputs, bind):
    mentioned = {d for dims in inputs for d in dims if isinstance(d, str)}
    bind = {name: size for name, size in bind.items() if name in mentioned}
    values = [tensor(f"x{k}", *dims) for k, dims in enumerate(inputs)]
    try:
        found = bound(*values, bind=bind)
    except BindingError as error:
        open_ = [d for dims in inputs for d in dims[1:] if d is None or d not in bind]
        assert open_, error  # noqa: PT017 - only an open dimension is a reason to refuse
        return
    for dims, shape in zip(inputs, shapes(found).values(), strict=True):
        assert shape is not None
        for dim, size in zip(dims, shape, strict=True):
            assert size == (found.bindings.get(dim, 1) if isinstance(dim, str) else dim or 1)
