"""Einsum: labels to MACs."""

from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepcost.cost.einsum import element_operations, macs

CASES = [
    ("ij,jk->ik", [(2, 3), (3, 5)], 2 * 3 * 5),
    ("ij,jk", [(2, 3), (3, 5)], 2 * 3 * 5),
    ("bhid,bhjd->bhij", [(2, 4, 6, 8), (2, 4, 5, 8)], 2 * 4 * 6 * 5 * 8),
    ("...ij,...jk->...ik", [(7, 2, 3), (7, 3, 5)], 7 * 2 * 3 * 5),
    ("...ij,jk", [(7, 9, 2, 3), (3, 5)], 7 * 9 * 2 * 3 * 5),
    ("...i,...i->...", [(4, 1, 3), (5, 3)], 4 * 5 * 3),
    ("i,i->", [(6,), (6,)], 6),
    ("ii,ij->j", [(3, 3), (3, 4)], 12),
    # three operands: (ij,jk -> ik) then (ik,kl -> il)
    ("ij,jk,kl->il", [(2, 3), (3, 5), (5, 7)], 2 * 3 * 5 + 2 * 5 * 7),
    # what one operand alone has is summed first
    ("ijk,jl->il", [(3, 4, 9), (4, 5)], 60),
    ("ij,jk->k", [(2, 3), (3, 5)], 15),
    ("ij,jkl->", [(2, 3), (3, 5, 7)], 3),
    ("ij,jk,klm->il", [(2, 3), (3, 5), (5, 7, 9)], 2 * 3 * 5 + 2 * 5 * 7),
    # nothing is summed: an outer product, one by element, one with broadcasting
    ("i,j->ij", [(6,), (2,)], 0),
    ("ij,ij->ji", [(2, 3), (2, 3)], 0),
    ("ij,jk->ijk", [(2, 3), (3, 5)], 0),
    ("...i,i", [(4, 3), (3,)], 12),
    ("...i,i->...i", [(4, 3), (3,)], 0),
    ("ij,kl->ik", [(2, 3), (5, 7)], 0),
    ("i,i,i->i", [(4,), (4,), (4,)], 0),
    ("i,i,i->", [(4,), (4,), (4,)], 4),
    ("ij->ji", [(3, 4)], 0),
    ("ij->", [(3, 4)], 0),
    ("ii->i", [(3, 3)], 0),
    (" i j , j k -> i k ", [(2, 3), (3, 5)], 30),
]


@pytest.mark.parametrize(("equation", "shapes", "expected"), CASES)
def test_by_hand(equation, shapes, expected):
    assert macs(equation, shapes) == expected


@pytest.mark.parametrize(
    ("equation", "shapes", "expected"),
    [
        ("ij->i", [(3, 4)], 9),
        ("ij->ji", [(3, 4)], 0),
        ("ii->i", [(3, 3)], 0),
        ("ii->", [(3, 3)], 2),
        ("ij,jk->ik", [(2, 3), (3, 5)], 0),
        ("ijk,jl->il", [(3, 4, 9), (4, 5)], 3 * 4 * 8),
        ("i,j->ij", [(6,), (2,)], 12),
        ("ij,kl->ik", [(2, 3), (5, 7)], 2 * 2 + 5 * 6 + 2 * 5),
        ("i,i,i->", [(4,), (4,), (4,)], 4),
    ],
)
def test_without_a_contraction_nothing_is_summed(equation, shapes, expected):
    assert element_operations(equation, shapes) == expected


@given(st.permutations("ijkl"), st.lists(st.integers(1, 5), min_size=4, max_size=4))
def test_two_operands_take_the_product_of_their_labels(labels, sizes):
    left, right = "".join(labels[:3]), "".join(labels[1:])
    shapes = [tuple(sizes[:3]), tuple(sizes[1:])]
    outer = labels[0] + labels[3]
    assert macs(f"{left},{right}->{outer}", shapes) == prod(sizes)
    # the last label is the right operand's own
    assert macs(f"{left},{right}->{labels[0]}", shapes) == prod(sizes[:3])


@pytest.mark.parametrize(
    ("equation", "shapes"), [("ij,jk->ik", [(2, 3)]), ("ij->i", [(2,)]), ("i->i", [(2, 3)])]
)
def test_an_equation_that_does_not_fit_is_refused(equation, shapes):
    with pytest.raises(ValueError, match="einsum"):
        macs(equation, shapes)
