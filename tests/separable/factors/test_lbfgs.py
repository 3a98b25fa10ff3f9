"""Many problems at once, each with its own step size."""

from __future__ import annotations

import numpy as np
import pytest

from sepcost.separable.factors.lbfgs import minimize


def quadratics(curvatures, optima):
    def objective(point):
        away = point - optima
        return 0.5 * np.sum(curvatures * away**2, axis=1), curvatures * away

    return objective


def test_each_problem_finds_its_own_optimum():
    curvatures, optima = np.array([[1.0, 100.0], [3.0, 0.1], [1e-3, 1e3]]), np.eye(3, 2) + 1
    found = minimize(quadratics(curvatures, optima), np.ones((3, 2)), iterations=60, tolerance=0)
    assert found == pytest.approx(optima, abs=1e-4)


def test_a_curved_valley_is_followed():
    def rosenbrock(point):
        x, y = point.T
        value = (1 - x) ** 2 + 100 * (y - x**2) ** 2
        slope = [-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)]
        return value, np.stack(slope, axis=1)

    start = np.array([[-1.2, 1.0], [2.0, 2.0]])
    assert minimize(rosenbrock, start, iterations=200, tolerance=0) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("iterations", [0, 1, 3])
def test_no_problem_ends_above_its_start(iterations):
    rng = np.random.default_rng(0)
    objective = quadratics(10 ** rng.uniform(-4, 4, (20, 5)), rng.standard_normal((20, 5)))
    start = rng.standard_normal((20, 5))
    found = minimize(objective, start, iterations=iterations)
    assert (objective(found)[0] <= objective(start)[0]).all()


def test_a_start_at_the_optimum_stays_there():
    optima = np.ones((2, 3))
    assert (minimize(quadratics(optima, optima), optima, iterations=5) == optima).all()
