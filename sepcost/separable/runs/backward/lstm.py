"""Gradients of LSTM; see ``recurrent`` for the equations."""

from __future__ import annotations

from sepcost.network import Layer
from sepcost.separable.runs.backward.recurrent import (
    GATE,
    ScanBody,
    affine,
    biases,
    check,
    directions,
    gradient,
    initial,
    last,
    scan,
    together,
)
from sepcost.separable.runs.backward.tape import Grads, NoGradient, Tape

_LSTM = (
    GATE
    + """
    t = Tanh (c)
    tt = Mul (t, t)
    tc = Sub (one, tt)
    dho = Mul (dh, o)
    fresh = Mul (dho, tc)
    dc = Add (cell, fresh)
    oc = Sub (one, o)
    oo = Mul (o, oc)
    dht = Mul (dh, t)
    do = Mul (dht, oo)
    ic = Sub (one, i)
    ii = Mul (i, ic)
    dcn = Mul (dc, n)
    di = Mul (dcn, ii)
    fc = Sub (one, f)
    ff = Mul (f, fc)
    dcp = Mul (dc, p)
    df = Mul (dcp, ff)
    nn = Mul (n, n)
    tn = Sub (one, nn)
    dci = Mul (dc, i)
    dn = Mul (dci, tn)
    all = Concat <axis = 1> (di, do, df, dn)
    before = MatMul (all, R)
    earlier = Mul (dc, f)
    """
)


_CELL = ScanBody(
    """
    kept = Mul (f, cell)
    new = Mul (i, n)
    c = Add (kept, new)
    p = Identity (cell)
    after = Identity (c)
    """,
    ("p", "c"),
)


def lstm(tape: Tape, layer: Layer, given: Grads) -> Grads:
    """Backpropagation through time, separately for each direction."""
    check(layer)
    if len(layer.reads) > 7 and layer.reads[7]:
        raise NoGradient  # peepholes
    total: list[str] = []
    states: tuple[list[str], list[str]] = ([], [])
    for k, one in enumerate(directions(tape, layer)):
        wb, ub = biases(tape, one, 1)
        x = tape.value(layer.reads[0])
        whole = affine(tape, (x, one.weight, wb[0]), (one.states, one.recurrence, ub[0]))
        gates = tape.several(4, "Split", whole, axis=2, num_outputs=4)
        i, o, f = (tape.add("Sigmoid", gate) for gate in gates[:3])
        n = tape.add("Tanh", gates[3])
        start = initial(tape, layer, 6, k, one.states)
        _, (p, c) = scan(
            tape, _CELL, {"cell": (start, "after")}, {"i": i, "f": f, "n": n}, not one.backwards
        )
        seen = {"g": gradient(tape, layer, given, k, one), "i": i, "o": o, "f": f, "n": n}
        last_ones = {
            "carry": (last(tape, given, 1, k, one.states), "before"),
            "cell": (last(tape, given, 2, k, one.states), "earlier"),
        }
        step = ScanBody(_LSTM, ("di", "do", "df", "dn"), {"R": one.recurrence})
        (h0, c0), made = scan(tape, step, last_ones, {**seen, "p": p, "c": c}, one.backwards)
        total.append(tape.add("MatMul", tape.add("Concat", *made, axis=2), one.weight))
        for kept, gradient_ in zip(states, (h0, c0), strict=True):
            kept.append(gradient_)
    return together(tape, total, *states)
