"""Options that are worth a descent, by the errors where their descents start."""

from __future__ import annotations

from collections.abc import Sequence

from sepcost.separable.factors.blocks import Form
from sepcost.separable.plan.choices import cost
from sepcost.separable.plan.menu import Option
from sepcost.separable.settings import Saving

#: Typical error after a descent over that at its start, on trained networks.
GAINS = {Form.DEPTHWISE_BOTTLENECK: 0.6, Form.BOTTLENECK: 1.0}
GAIN = 0.85  # of the other forms
CLEARLY = 0.8  # of an error, below which another is clearly better despite such guesses


def worth_a_fit(offers: Sequence[Option], starts: Sequence[float], by: Saving) -> list[int]:
    """Places of the options that may end below all others of no higher cost.

    Parameters
    ----------
    offers
        Options of one layer.
    starts
        The error of each where its descent starts.
    by
        The kind of cost.
    """
    guesses = [
        start * (GAINS.get(option.form, GAIN) if option.form else GAIN)
        for option, start in zip(offers, starts, strict=True)
    ]
    costs = [cost(option, by) for option in offers]

    def beaten(place: int) -> bool:
        return any(
            other <= costs[place] and guess < CLEARLY * guesses[place]
            for other, guess in zip(costs, guesses, strict=True)
        )

    return [place for place in range(len(offers)) if not beaten(place)]
