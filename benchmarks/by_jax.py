"""The three recurrences of torch.nn as they are written for JAX: a step, ``lax.scan`` over time, compiled by ``jit``.

What depends on the input alone is multiplied before the scan, as its users do. JAX takes as many threads as there are
cores, and cannot be told otherwise once it has started.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
import torch
from jax import Array, lax, nn
from torch import Tensor

Weights = Mapping[str, Array]


def _rnn(weights: Weights, x: Array, h: Array) -> tuple[Array, Array]:
    h = jnp.tanh(x + h @ weights["weight_hh_l0"].T + weights["bias_hh_l0"])
    return h, h


def _gru(weights: Weights, x: Array, h: Array) -> tuple[Array, Array]:
    from_x = jnp.split(x, 3, axis=-1)
    from_h = jnp.split(h @ weights["weight_hh_l0"].T + weights["bias_hh_l0"], 3, axis=-1)
    reset, update = (nn.sigmoid(a + b) for a, b in zip(from_x[:2], from_h[:2], strict=True))
    new = jnp.tanh(from_x[2] + reset * from_h[2])
    h = (1 - update) * new + update * h
    return h, h


def _lstm(weights: Weights, x: Array, state: tuple[Array, Array]) -> tuple[tuple[Array, Array], Array]:
    h, c = state
    gates = jnp.split(x + h @ weights["weight_hh_l0"].T + weights["bias_hh_l0"], 4, axis=-1)
    into, forget, out = (nn.sigmoid(gates[k]) for k in (0, 1, 3))
    c = forget * c + into * jnp.tanh(gates[2])
    h = out * jnp.tanh(c)
    return (h, c), h


STEPS: Mapping[str, Callable[..., tuple[object, Array]]] = {"rnn": _rnn, "gru": _gru, "lstm": _lstm}


class InJax:
    """A layer of PyTorch's in JAX, with its own weights: its outputs, and its gradients from shares of ones."""

    def __init__(self, kind: str, layer: torch.nn.Module, xs: Sequence[Tensor]) -> None:
        self.weights = {name: _array(value) for name, value in layer.state_dict().items()}
        self.turns = itertools.cycle([_array(x) for x in xs])
        step = STEPS[kind]

        def run(weights: Weights, x: Array) -> Array:
            from_x = x @ weights["weight_ih_l0"].T + weights["bias_ih_l0"]
            zeros = jnp.zeros((x.shape[1], weights["weight_hh_l0"].shape[1]), x.dtype)
            first = (zeros, zeros) if kind == "lstm" else zeros
            return lax.scan(lambda state, x: step(weights, x, state), first, from_x)[1]

        def gradients(weights: Weights, x: Array) -> tuple[Weights, Array]:
            outputs, pull = jax.vjp(run, weights, x)
            return pull(jnp.ones_like(outputs))

        self._run, self._gradients = jax.jit(run), jax.jit(gradients)

    def inference(self) -> object:
        return self._run(self.weights, next(self.turns)).block_until_ready()

    def training_step(self) -> object:
        return jax.block_until_ready(self._gradients(self.weights, next(self.turns)))

    def outputs(self, x: Tensor) -> Tensor:
        return _tensor(self._run(self.weights, _array(x)))

    def gradients(self, x: Tensor) -> dict[str, Tensor]:
        """The gradients of the sum of the outputs, by the names that PyTorch's have in ``results``."""
        of_weights, of_x = self._gradients(self.weights, _array(x))
        named = {"the input": of_x, **of_weights}
        return {f"the gradient of {name}": _tensor(value) for name, value in named.items()}


def _array(value: Tensor) -> Array:
    return jnp.asarray(value.detach().numpy())


def _tensor(value: Array) -> Tensor:
    return torch.from_dlpack(value).clone()
