"""Chaotic series, by numerical integration: the classic Runge-Kutta method, many trajectories at once."""

import numpy as np

_SUBSTEPS = 10  # steps of integration between two samples


def mackey_glass(start: np.ndarray, length: int, tau: int = 17) -> np.ndarray:
    """The equation of Mackey and Glass (1977), a delay that makes chaos for ``tau`` above 16.8.

        dx/dt = 0.2 x(t - τ) / (1 + x(t - τ)^10) - 0.1 x(t)

    Args:
        start: ``[N]``, the value of each trajectory at all times until 0.
        length: samples, one for each unit of time from 1 on.
        tau: the delay ``τ``, whole units of time.

    Returns:
        ``[N, length]``.

    Example:
        >>> mackey_glass(np.array([1.2]), 3).round(4)
        array([[1.1176, 1.043 , 0.9755]])
    """

    def slope(x: np.ndarray, delayed: np.ndarray) -> np.ndarray:
        return 0.2 * delayed / (1 + delayed**10) - 0.1 * x

    step, delay = 1 / _SUBSTEPS, tau * _SUBSTEPS
    x = np.empty((delay + length * _SUBSTEPS + 1, len(start)))  # in steps, from the time -tau on
    x[: delay + 1] = start
    for now in range(delay, len(x) - 1):
        before, after = x[now - delay], x[now - delay + 1]
        between = (before + after) / 2
        k1 = slope(x[now], before)
        k2 = slope(x[now] + step / 2 * k1, between)
        k3 = slope(x[now] + step / 2 * k2, between)
        k4 = slope(x[now] + step * k3, after)
        x[now + 1] = x[now] + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return x[delay + _SUBSTEPS :: _SUBSTEPS].T


def lorenz(start: np.ndarray, length: int, interval: float = 0.05) -> np.ndarray:
    """The equations of Lorenz (1963) with his constants: σ = 10, ρ = 28, β = 8/3.

        dx/dt = σ (y - x)
        dy/dt = x (ρ - z) - y
        dz/dt = x y - β z

    Args:
        start: ``[N, 3]``, where each trajectory is at the time 0.
        length: samples, the first one ``interval`` after the start.
        interval: time between two samples.

    Returns:
        ``[N, length, 3]``.

    Example:
        >>> lorenz(np.array([[0.0, 0.0, 1.0]]), 2, interval=0.375).round(4)  # z decays, by 1/e in 3/8
        array([[[0.    , 0.    , 0.3679],
                [0.    , 0.    , 0.1353]]])
    """

    def slope(point: np.ndarray) -> np.ndarray:
        x, y, z = point
        return np.stack((10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z))

    step = interval / _SUBSTEPS
    point, samples = start.T, []
    for _ in range(length):
        for _ in range(_SUBSTEPS):
            k1 = slope(point)
            k2 = slope(point + step / 2 * k1)
            k3 = slope(point + step / 2 * k2)
            k4 = slope(point + step * k3)
            point = point + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        samples.append(point.T)
    return np.stack(samples, 1)
