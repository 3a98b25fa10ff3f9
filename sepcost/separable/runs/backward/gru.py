"""Gradients of GRU; see ``recurrent`` for the equations."""

from __future__ import annotations

from collections.abc import Sequence

from sepcost.network import Layer
from sepcost.separable.runs.backward.recurrent import (
    GATE,
    Direction,
    ScanBody,
    affine,
    biases,
    check,
    directions,
    gradient,
    last,
    scan,
    together,
)
from sepcost.separable.runs.backward.tape import Grads, Tape

_GRU = (
    GATE
    + """
    zc = Sub (one, z)
    nn = Mul (n, n)
    tn = Sub (one, nn)
    dhz = Mul (dh, zc)
    dn = Mul (dhz, tn)
    gap = Sub (h, n)
    dhg = Mul (dh, gap)
    zz = Mul (z, zc)
    dz = Mul (dhg, zz)
    rc = Sub (one, r)
    rr = Mul (r, rc)
    straight = Mul (dh, z)
    """
)

_GRU_BEFORE = """
    dnq = Mul (dn, q)
    dr = Mul (dnq, rr)
    dq = Mul (dn, r)
    all = Concat <axis = 1> (dz, dr, dq)
    back = MatMul (all, R)
    before = Add (straight, back)
    """

_GRU_AFTER = """
    dp = MatMul (dn, Rn)
    dph = Mul (dp, h)
    dr = Mul (dph, rr)
    both = Concat <axis = 1> (dz, dr)
    back = MatMul (both, Rzr)
    dpr = Mul (dp, r)
    half = Add (straight, back)
    before = Add (half, dpr)
    """


def gru(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """Backpropagation through time, separately for each direction."""
    check(layer)
    before_reset = bool(layer.attributes.get("linear_before_reset", 0))
    body = _GRU + (_GRU_BEFORE if before_reset else _GRU_AFTER)
    total, starts = [], []
    for k, one in enumerate(directions(tape, layer)):
        u = tape.several(3, "Split", one.recurrence, axis=0, num_outputs=3)
        both = tape.add("Concat", u[0], u[1], axis=0)
        step = ScanBody(body, ("dz", "dr", "dn"), {"R": one.recurrence, "Rn": u[2], "Rzr": both})
        seen = _gates(tape, layer, one, u, before_reset=before_reset)
        seen = {"g": gradient(tape, layer, given, k, one), "h": one.states, **seen}
        first = last(tape, given, 1, k, one.states)
        (start,), made = scan(tape, step, {"carry": (first, "before")}, seen, one.backwards)
        total.append(tape.add("MatMul", tape.add("Concat", *made, axis=2), one.weight))
        starts.append(start)
    return together(tape, total, starts)


def _gates(
    tape: Tape, layer: Layer, one: Direction, u: Sequence[str], *, before_reset: bool
) -> dict[str, str]:
    """Z, r and n of all steps, and q, the part of n that depends on the states."""
    w = tape.several(3, "Split", one.weight, axis=0, num_outputs=3)
    wb, ub = biases(tape, one, 3)
    x = tape.value(layer.reads[0])
    z, r = (
        tape.add("Sigmoid", affine(tape, (x, w[g], wb[g]), (one.states, u[g], ub[g])))
        for g in (0, 1)
    )
    if before_reset:
        q = affine(tape, (one.states, u[2], ub[2]))
        inner = tape.add("Add", affine(tape, (x, w[2], wb[2])), tape.add("Mul", r, q))
    else:
        q = tape.add("Mul", r, one.states)
        inner = affine(tape, (x, w[2], wb[2]), (q, u[2], ub[2]))
    return {"z": z, "r": r, "n": tape.add("Tanh", inner), "q": q}
