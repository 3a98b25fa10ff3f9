"""Layers are matched by name and structure, not by position."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sepcost.cost.match import match
from sepcost.network import Layer


def layer(name, op_type="Conv", size=8, id_=None):
    return Layer(id_ or f"{name}_out", name, op_type, "", "", ((1, size),), ((1, size),))


def pairs(old, new):
    """Matched names as ``new: old``; ids if names are empty."""
    found = match(old, new)
    return {(new[a].name or new[a].id): (old[b].name or old[b].id) for a, b in found.items()}


def test_equal_name_and_structure_match_at_any_position():
    old = [layer("a"), layer("b"), layer("c")]
    assert pairs(old, old[::-1]) == {"a": "a", "b": "b", "c": "c"}


def test_an_inserted_layer_does_not_shift_later_ones():
    old = [layer("a", size=1), layer("b", size=2), layer("c", size=3)]
    new = [old[0], layer("x", size=9), old[1], old[2]]
    assert pairs(old, new) == {"a": "a", "b": "b", "c": "c"}


def test_renumbered_layers_are_matched_by_structure():
    """Exporters number values in order, so that one inserted layer renames all later ones."""
    old = [layer("", size=size, id_=str(at)) for at, size in enumerate((1, 2, 3, 4))]
    new = [layer("", size=size, id_=str(at)) for at, size in enumerate((9, 1, 2, 3, 4))]
    assert match(old, new) == {1: 0, 2: 1, 3: 2, 4: 3}


def test_the_same_name_with_another_structure_is_a_change():
    assert pairs([layer("a"), layer("b")], [layer("a", size=9), layer("b")]) == {"a": "a", "b": "b"}


def test_the_same_name_with_another_operator_is_another_layer():
    assert pairs([layer("a")], [layer("a", "Relu")]) == {}


def test_the_same_operator_between_the_same_neighbours_is_a_change_too():
    old = [layer("a"), layer("b", size=2), layer("c", "Relu")]
    new = [layer("a"), layer("other", size=3), layer("c", "Relu")]
    assert pairs(old, new)["other"] == "b"


def test_names_that_repeat_match_in_order():
    old = [layer("same", size=size, id_=f"o{size}") for size in (1, 2, 3)]
    new = [layer("same", size=size, id_=f"n{size}") for size in (1, 3)]
    assert match(old, new) == {0: 0, 1: 2}


def test_thinner_layers_still_match():
    """Layers of a thinner network can look like other layers of the wider network."""
    old = [layer(f"conv{at}", size=size) for at, size in enumerate((8, 8, 4, 4, 2, 2))]
    new = [layer(f"conv{at}", size=size) for at, size in enumerate((4, 4, 2, 2, 1, 1))]
    assert all(new == old for new, old in pairs(old, new).items())


def test_a_long_gap_is_matched_run_by_run(monkeypatch):
    monkeypatch.setattr("sepcost.cost.match.MAX_CELLS", 0)
    old = [layer("", size=size, id_=f"o{size}") for size in (1, 2, 3, 4)]
    new = [layer("", size=size, id_=f"n{size}") for size in (1, 3, 4)]
    assert match(old, new) == {0: 0, 1: 2, 2: 3}


layers = st.lists(
    st.builds(
        layer, st.sampled_from("abcd"), st.sampled_from(["Conv", "Relu"]), st.integers(1, 3),
        st.sampled_from("pqrs"),
    ),
    max_size=12,
)  # fmt: skip


@given(layers, layers)
def test_every_layer_has_at_most_one_partner_of_its_operator(old, new):
    found = match(old, new)
    assert len(set(found.values())) == len(found)
    assert all(new[a].op_type == old[b].op_type for a, b in found.items())


@given(layers)
def test_a_network_matches_itself_layer_by_layer(old):
    found = match(old, [replace(one) for one in old])
    assert len(found) == len(old)
    assert all(old[a].outputs == old[b].outputs for a, b in found.items())


def weighed(name, size):
    return replace(layer(name, size=size), parameters=(f"{name}.weight",))


def test_layers_with_weights_that_swap_places_and_names_are_paired_by_structure():
    old = [weighed("a", 1), weighed("b", 2), weighed("short", 3), layer("add", "Add")]
    new = [weighed("1", 1), weighed("2", 3), weighed("3", 2), layer("add", "Add")]
    assert pairs(old, new) == {"1": "a", "2": "short", "3": "b", "add": "add"}


def test_layers_without_weights_are_not_paired_across_others():
    old = [layer("a", "Relu", 1), layer("b", "Relu", 2)]
    new = [layer("1", "Relu", 2), layer("2", "Relu", 1)]
    assert len(pairs(old, new)) == 1
