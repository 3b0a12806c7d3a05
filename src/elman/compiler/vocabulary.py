"""The functions of PyTorch that a step may call, each as what it comes to in a Program.

A function is known by its name, so that ``torch.tanh(h)``, ``h.tanh()`` and ``F.tanh(h)`` are one.
"""

import math
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_map_only

from elman.compiler.formulas import FORMULAS, Expression, length, logsumexp, normalised, variance, where
from elman.compiler.ops import OPS
from elman.compiler.recording import KINDS, Fixed, Known, Recording, Row

Handler = Callable[..., int | list[int]]  # of a recording, the function, and what it was called with

# what is asked about a tensor, which hangs on no value
ABOUT = frozenset(
    "shape size dim ndim numel nelement ndimension device dtype layout requires_grad requires_grad_ is_leaf grad_fn "
    "grad is_cuda is_cpu is_meta is_sparse is_quantized is_complex is_floating_point is_contiguous stride "
    "storage_offset element_size itemsize nbytes type get_device names has_names __len__ __hash__ __repr__ __format__ "
    "is_nested is_mkldnn is_mps is_xpu is_vulkan is_inference _backward_hooks result_type is_tensor is_same_size "
    "_set_grad_enabled retain_grad register_hook untyped_storage data_ptr _is_view _base output_nr _version "
    "is_conj is_neg".split()
)
_FILLED = {
    "zeros": 0, "new_zeros": 0, "zeros_like": 0, "ones": 1, "new_ones": 1, "ones_like": 1,
    "full": None, "new_full": None, "full_like": None,
}  # fmt: skip
_ALSO = {  # other names of the same
    "true_divide": "div", "divide": "div", "multiply": "mul", "negative": "neg", "subtract": "sub",
    "absolute": "abs", "clip": "clamp", "special_expit": "sigmoid", "concat": "cat", "concatenate": "cat",
    "special_expm1": "expm1", "special_log1p": "log1p", "special_erf": "erf", "greater": "gt", "greater_equal": "ge",
    "less": "lt", "less_equal": "le", "not_equal": "ne", "bitwise_and": "logical_and", "bitwise_or": "logical_or",
    "bitwise_not": "logical_not", "and": "logical_and", "or": "logical_or", "invert": "logical_not", "mm": "matmul",
    "bmm": "matmul", "special_softmax": "softmax", "special_logsumexp": "logsumexp", "linalg_vector_norm": "norm",
    "linalg_norm": "norm",
    "special_round": "round", "iand": "logical_and", "ior": "logical_or", "rdiv": "rtruediv",
    "data": "detach", "max": "maximum", "min": "minimum",
}  # fmt: skip


def name_of(func: Any) -> str:
    """The name of a function, a method or a property.

    >>> name_of(torch.Tensor.shape.__get__), name_of(torch.sigmoid), name_of(torch.Tensor.add_)
    ('shape', 'sigmoid', 'add_')
    """
    name = getattr(func, "__name__", type(func).__name__)
    return func.__self__.__name__ if name == "__get__" else name


def handler(name: str) -> Handler | None:
    """What makes values of a function, by its name; those that change a tensor in place are the same."""
    plain = name.strip("_") if name.startswith("__") else name.removesuffix("_")
    return _HANDLERS.get(_ALSO.get(plain, plain))


def filling(name: str, args: Sequence[Any], kwargs: Any) -> float | None:
    """The number that a function fills a tensor with, if it does."""
    if name in ("tensor", "as_tensor", "scalar_tensor") and isinstance(args[0], bool | int | float):
        return float(args[0])
    if name not in _FILLED:
        return None
    number = _FILLED[name]
    if number is None:
        number = kwargs.get("fill_value", args[-1] if args else None)
    return float(number) if isinstance(number, bool | int | float) else None


def drops(args: Sequence[Any], kwargs: Any) -> bool:
    """Whether a dropout draws numbers, by the arguments of the function."""
    given = dict(zip(("input", "p", "training"), args, strict=False)) | kwargs
    return bool(given.get("training", True)) and given.get("p", 0.5) > 0


def _pointwise(formula: Callable[..., Expression]) -> Handler:
    """A formula of one unit: its arguments are broadcast to one shape first."""

    @wraps(formula)
    def handle(recording: Recording, func: Any, *args: Any, **kwargs: Any) -> int:
        given = [known for known in tree_flatten((args, kwargs))[0] if isinstance(known, Known)]
        shape = recording.broadcast_shape([known.tensor.shape for known in given])

        def column(known: Known) -> Expression:
            return Expression(recording.b, recording.column(known, shape))

        args, kwargs = tree_map_only(KINDS, column, (args, kwargs))
        index = formula(*args, **kwargs).index
        return recording.b.widen(index, math.prod(recording.rest(shape)))

    return handle


def _plain(name: str) -> Handler:
    def formula(*args: Any) -> Expression:
        like = next(arg for arg in args if isinstance(arg, Expression))
        return Expression(like.b, like.b.op(name, *(like._index(arg) for arg in args)))

    return _pointwise(formula)


def _chosen(recording: Recording, func: Any, *args: Any, **kwargs: Any) -> int | list[int]:
    if func is torch.Tensor.where:  # it has the condition behind what is chosen
        value, condition, *others = args
        args = condition, value, *others
    return _pointwise(where)(recording, func, *args, **kwargs)


def _same(recording: Recording, func: Any, row: Any, *args: Any, **kwargs: Any) -> int:
    if not isinstance(row, Row):
        raise ValueError("something fixed in the form of what changes")
    return row.index


def _rearranged(recording: Recording, func: Any, *args: Any, **kwargs: Any) -> int | list[int]:
    return recording.rearranged(func, args, kwargs)


def _getitem(recording: Recording, func: Any, row: Any, key: Any) -> int | list[int]:
    if not isinstance(row, Row) or any(isinstance(known, Known) for known in tree_flatten(key)[0]):
        raise ValueError("an index that is a tensor")
    return recording.rearranged(func, (row, key), {})


def _cumsum(recording: Recording, func: Any, row: Row, dim: int, **kwargs: Any) -> int:
    recording.groups(row, dim)  # which refuses that of the batch
    return _product(recording, func, row, dim, **kwargs)


def _product(recording: Recording, func: Any, *args: Any, **kwargs: Any) -> int:
    return recording.product(func, name_of(func), args, kwargs)


def _matmul(recording: Recording, func: Any, a: Any, b: Any) -> int:
    if isinstance(a, Row) and isinstance(b, Fixed) and b.tensor.dim() == a.tensor.dim() == 2:
        rows, columns = b.tensor.shape
        _check_width(recording, a, rows, (rows, columns))
        if recording.axis(a.tensor.shape) == 0:
            return recording.mix(a.index, b.node, rows, columns, transposed=True)
    return _product(recording, func, a, b)


def _linear(recording: Recording, func: Any, input: Any, weight: Any, bias: Any = None) -> int:
    if not isinstance(input, Row) or not isinstance(weight, Fixed):
        raise ValueError("a product by something that changes over time")
    rows, columns = weight.tensor.shape
    if input.tensor.dim() == 2:
        _check_width(recording, input, columns, (rows, columns))
        found = recording.mix(input.index, weight.node, rows, columns, transposed=False)
    else:
        found = _product(recording, func, input, weight)
    if bias is None:
        return found
    shape = (*input.tensor.shape[:-1], rows)
    return recording.b.op("add", found, recording.column(bias, shape))


def _check_width(recording: Recording, row: Row, wanted: int, shape: tuple[int, int]) -> None:
    if row.tensor.shape[-1] != wanted:
        raise ValueError(f"a product of a row of {row.tensor.shape[-1]} with a matrix of {list(shape)}")


def _addmm(recording: Recording, func: Any, bias: Any, a: Any, b: Any, *, beta: float = 1, alpha: float = 1) -> int:
    if beta != 1 or alpha != 1:
        raise ValueError("addmm with factors")
    shape = (a.tensor.shape[0], b.tensor.shape[1])
    return recording.b.op("add", _matmul(recording, torch.mm, a, b), recording.column(bias, shape))


def _block_linear(recording: Recording, func: Any, x: Any, weight: Any, bias: Any = None) -> int:
    if not isinstance(weight, Fixed):
        raise ValueError("a product by something that changes over time")
    heads, out, size = weight.tensor.shape
    _check_width(recording, x, heads * size, (heads * out, heads * size))
    found = recording.mix_by_heads(x.index, weight, transposed=False)
    if bias is None:
        return found
    return recording.b.op("add", found, recording.column(bias, (recording.batch, heads * out)))


def _axis(handle: Handler) -> Handler:
    """A handler that knows NumPy's names of the axis too, as PyTorch does."""

    def also(recording: Recording, func: Any, *args: Any, **kwargs: Any) -> int | list[int]:
        named = {"axis": "dim", "keepdims": "keepdim"}
        return handle(recording, func, *args, **{named.get(name, name): value for name, value in kwargs.items()})

    return also


def _reduced(make: Callable[..., Expression]) -> Handler:
    """A reduction of some axes to one number."""

    @_axis
    def handle(recording: Recording, func: Any, row: Row, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> int:
        kwargs.pop("dtype", None)
        if dim is None:
            raise ValueError("a reduction that keeps the batch has its axis said, as sum(-1)")
        return recording.by_groups(row, dim, lambda v: make(Expression(recording.b, v), **kwargs).index)

    return handle


def _spread(make: Callable[[Expression], Expression]) -> Handler:
    """A variance, and what is made of it; its third argument by place is another than that of a sum."""

    @_axis
    def handle(
        recording: Recording, func: Any, row: Row, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *,
        correction: Any = None,
    ) -> int:  # fmt: skip
        if dim is None or isinstance(dim, bool):
            raise ValueError("a reduction that keeps the batch has its axis said, as var(-1)")
        less = int(unbiased) if correction is None else correction
        return recording.by_groups(row, dim, lambda v: make(variance(Expression(recording.b, v), less)).index)

    return handle


@_axis
def _norm(recording: Recording, func: Any, row: Row, *args: Any, **kwargs: Any) -> int:
    said = dict(zip(("ord", "dim", "keepdim"), args, strict=False)) | kwargs
    order = said.get("ord", said.get("p", 2))
    if order not in (2, 2.0, None, "fro") or said.get("dim") is None:
        raise ValueError("a norm other than the Euclidean one of an axis that is said")

    return recording.by_groups(row, said["dim"], lambda v: length(Expression(recording.b, v)).index)


@_axis
def _softmax(recording: Recording, func: Any, row: Row, dim: Any = None, *args: Any, **kwargs: Any) -> int:
    def share(v: int) -> int:
        value = Expression(recording.b, v)
        powers = (value - value.largest().op("detach")).op("exp")
        return (powers / powers.sum()).index

    return recording.by_groups(row, dim, share)


@_axis
def _log_softmax(recording: Recording, func: Any, row: Row, dim: Any = None, *args: Any, **kwargs: Any) -> int:
    def share(v: int) -> int:
        value = Expression(recording.b, v)
        return (value - logsumexp(value)).index

    return recording.by_groups(row, dim, share)


def _scaled(recording: Recording, row: Row, found: int, weight: Any, bias: Any, shape: Sequence[int]) -> int:
    """Times a weight and with a bias, which are broadcast against ``shape``."""
    value = Expression(recording.b, found)
    if weight is not None:
        value = value * Expression(recording.b, recording.column(weight, shape))
    if bias is not None:
        value = value + Expression(recording.b, recording.column(bias, shape))
    return value.index


def _layer_norm(
    recording: Recording, func: Any, input: Row, normalized_shape: Any, weight: Any = None, bias: Any = None,
    eps: float = 1e-5,
) -> int:  # fmt: skip
    last = range(-len(tuple(normalized_shape)), 0)
    found = recording.by_groups(input, list(last), lambda v: normalised(Expression(recording.b, v), eps).index)
    return _scaled(recording, input, found, weight, bias, input.tensor.shape)


def _rms_norm(
    recording: Recording, func: Any, input: Row, normalized_shape: Any, weight: Any = None, eps: float | None = None
) -> int:
    if eps is None:
        raise ValueError("rms_norm without its eps")

    def scaled(v: int) -> int:
        value = Expression(recording.b, v)
        return (value * ((value * value).mean() + eps).op("rsqrt")).index

    found = recording.by_groups(input, list(range(-len(tuple(normalized_shape)), 0)), scaled)
    return _scaled(recording, input, found, weight, None, input.tensor.shape)


def _rnn(activation: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    def cell(x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Any = None, b_hh: Any = None) -> Tensor:
        return activation(F.linear(x, w_ih, b_ih) + F.linear(h, w_hh, b_hh))

    return cell


def _gru(x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Any = None, b_hh: Any = None) -> Tensor:
    xr, xz, xn = F.linear(x, w_ih, b_ih).chunk(3, -1)
    hr, hz, hn = F.linear(h, w_hh, b_hh).chunk(3, -1)
    z, n = torch.sigmoid(xz + hz), torch.tanh(xn + torch.sigmoid(xr + hr) * hn)
    return (1 - z) * n + z * h


def _lstm(
    x: Tensor, state: tuple[Tensor, Tensor], w_ih: Tensor, w_hh: Tensor, b_ih: Any = None, b_hh: Any = None
) -> tuple[Tensor, Tensor]:
    h, c = state
    i, f, g, o = (F.linear(x, w_ih, b_ih) + F.linear(h, w_hh, b_hh)).chunk(4, -1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def _gated(input: Tensor, dim: int = -1) -> Tensor:
    value, gate = input.chunk(2, dim)
    return value * torch.sigmoid(gate)


def _normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: None = None) -> Tensor:
    return input / torch.norm(input, p, dim, keepdim=True).clamp_min(eps)


def _threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    return torch.where(input > threshold, input, value)


def _group_norm(input: Tensor, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    grouped = input.unflatten(1, (num_groups, -1))
    size = grouped.shape[2:]
    normalised = F.layer_norm(grouped, size, None, None, eps).flatten(1, 2)
    shape = (-1, *[1] * (input.dim() - 2))
    normalised = normalised if weight is None else normalised * weight.reshape(shape)
    return normalised if bias is None else normalised + bias.reshape(shape)


# functions that are read as what they are made of
MADE_OF: dict[str, Callable[..., Any]] = {
    "rnn_tanh_cell": _rnn(torch.tanh),
    "rnn_relu_cell": _rnn(torch.relu),
    "gru_cell": _gru,
    "lstm_cell": _lstm,
    "normalize": _normalize,
    "group_norm": _group_norm,
    "glu": _gated,
    "cosine_similarity": lambda x1, x2, dim=1, eps=1e-8: (
        (x1 * x2).sum(dim) / (torch.norm(x1, 2, dim).clamp_min(eps) * torch.norm(x2, 2, dim).clamp_min(eps))
    ),
    "softmin": lambda input, dim=None, **how: F.softmax(-input, dim),
    "logaddexp": lambda a, b: torch.maximum(a, b) + F.softplus(-torch.abs(a - b)),
    "threshold": _threshold,
    "_threshold": _threshold,
    "hypot": lambda a, b: torch.sqrt(a * a + b * b),
}


_UNARY = [name for name in OPS if name not in ("add", "sub", "pow", "where", "softplus", "maximum", "minimum", "round")]
_HANDLERS: dict[str, Handler] = {
    **{name: _plain(name) for name in (*_UNARY, "maximum", "minimum")},
    **{name: _pointwise(formula) for name, formula in FORMULAS.items()},
    **dict.fromkeys("clone contiguous float double to type_as dropout positive".split(), _same),
    **dict.fromkeys(
        "chunk split split_with_sizes tensor_split unbind narrow select view reshape view_as reshape_as flatten "
        "unflatten squeeze unsqueeze transpose swapaxes swapdims permute movedim moveaxis t T mT flip roll expand "
        "expand_as broadcast_to repeat tile repeat_interleave cat stack hstack".split(),
        _rearranged,
    ),
    "einsum": _product,
    "cumsum": _cumsum,
    "getitem": _getitem,
    "where": _chosen,
    "rmatmul": _product,
    "linear": _linear,
    "block_linear": _block_linear,
    "matmul": _matmul,
    "addmm": _addmm,
    "sum": _reduced(lambda v: v.sum()),
    "mean": _reduced(lambda v: v.mean()),
    "var": _spread(lambda v: v),
    "std": _spread(lambda v: v.op("sqrt")),
    "amax": _reduced(lambda v: v.largest()),
    "amin": _reduced(lambda v: -(-v).largest()),
    "logsumexp": _reduced(logsumexp),
    "norm": _norm,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
}

SUBSET = (
    "the four operations, powers, remainders, comparisons and where; exp, log, sigmoid, tanh, sqrt, sin, cos, erf, "
    "abs, sign, floor, round, minimum, maximum, clamp; relu, softplus, silu, gelu, elu and others of their kind; "
    "softmax and norms; what parts, joins and puts in another order; linear, matmul and einsum by fixed matrices, "
    "block_linear, cumsum; sums, means and the largest over the units"
)
