"""Files of columns with types that nobody expects: Parquet, Arrow, and arrays of NumPy."""

import io
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as parquet

SIZE = 40
DAY = datetime(2024, 1, 1)


def _each(make: Callable[[int], Any], **how: Any) -> Callable[[int], pl.Series]:
    return lambda size: pl.Series([make(n) for n in range(size)], **how)


COLUMNS: tuple[Callable[[int], pl.Series], ...] = (
    _each(lambda n: None),
    _each(lambda n: None, dtype=pl.Float64),
    _each(lambda n: None, dtype=pl.String),
    _each(lambda n: n % 2 == 0),
    _each(lambda n: [True, False, None][n % 3]),
    _each(lambda n: float("nan")),
    _each(lambda n: [1.0, float("inf"), None][n % 3]),
    _each(lambda n: 1e300 * n),
    _each(lambda n: n, dtype=pl.Int8),
    _each(lambda n: 2**63 - 1 - n, dtype=pl.Int64),
    _each(lambda n: 2**64 - 1 - n, dtype=pl.UInt64),
    _each(lambda n: 2**100 + n, dtype=pl.Int128),
    _each(lambda n: Decimal(n) / 7, dtype=pl.Decimal(30, 10)),
    _each(lambda n: DAY + timedelta(hours=n)),
    _each(lambda n: DAY + timedelta(hours=n), dtype=pl.Datetime("ns", "Europe/Berlin")),
    _each(lambda n: datetime(1, 1, 1) + timedelta(days=365 * n)),
    _each(lambda n: date(2024, 1, 1) + timedelta(days=n)),
    _each(lambda n: date(9990 + n % 9, 1, 1)),
    _each(lambda n: time(n % 24, 5)),
    _each(lambda n: timedelta(hours=n)),
    _each(lambda n: bytes([n, 255])),
    _each(lambda n: f"word {n % 5} more"),
    _each(lambda n: f"{n % 3}", dtype=pl.Categorical),
    _each(lambda n: "ab"[n % 2], dtype=pl.Enum(["a", "b", "c"])),
    _each(lambda n: [n, n + 1], dtype=pl.List(pl.Int64)),
    _each(lambda n: ["a", "b"][: n % 3]),
    _each(lambda n: [], dtype=pl.List(pl.String)),
    _each(lambda n: [[n]], dtype=pl.List(pl.List(pl.Int64))),
    _each(lambda n: [float(n)] * 4, dtype=pl.Array(pl.Float64, 4)),
    _each(lambda n: {"a": n, "b": "x"}),
    _each(lambda n: {"a": {"b": [n]}}),
    _each(lambda n: {}, dtype=pl.Struct([])),
)
NAMES = (
    "text",
    "label",
    "time",
    "date",
    "value",
    "id",
    "user",
    "item",
    "tokens",
    "tags",
    "source",
    "target",
    "x_1",
    "x_2",
)

ARROWS: tuple[Callable[[int], pa.Array], ...] = (
    lambda size: pa.array([f"{n % 3}" for n in range(size)]).dictionary_encode(),
    lambda size: pa.array([1.5] * size, pa.float16()) if hasattr(pa, "float16") else pa.array([1.5] * size),
    lambda size: pa.nulls(size),
    lambda size: pa.array([[("k", n)] for n in range(size)], pa.map_(pa.string(), pa.int64())),
    lambda size: pa.array(range(size), pa.time64("ns")),
    lambda size: pa.array(range(size), pa.date64()),
    lambda size: pa.array(range(size), pa.duration("ns")),
    lambda size: pa.array(range(size), pa.timestamp("s", "+05:30")),
    lambda size: pa.array([b"\xff\xfe"] * size, pa.binary(2)),
    lambda size: pa.array(["a"] * size, pa.large_string()),
    lambda size: pa.array([Decimal("1.5")] * size, pa.decimal256(50, 2)),
)


def frame(random: Random) -> pl.DataFrame:
    size = random.choice((0, 1, 2, SIZE, SIZE, SIZE))
    names = random.sample(NAMES, random.randint(0 if size == 0 else 1, 4))
    return pl.DataFrame({name: random.choice(COLUMNS)(size) for name in names})


def _parquet(random: Random) -> bytes:
    file = io.BytesIO()
    made = frame(random)
    unwritten = (pl.Struct([]), pl.Int128)
    made = made.select(name for name, kind in made.schema.items() if kind not in unwritten)
    made.write_parquet(file, compression=random.choice(("snappy", "zstd", "gzip", "uncompressed")))
    return file.getvalue()


def _feather(random: Random) -> bytes:
    file = io.BytesIO()
    frame(random).write_ipc(file, compression=random.choice(("uncompressed", "lz4", "zstd")))
    return file.getvalue()


def _arrow(random: Random) -> bytes:
    """What polars does not write itself."""
    size = random.choice((1, SIZE))
    names = random.sample(NAMES, random.randint(1, 3))
    table = pa.table([random.choice(ARROWS)(size) for _ in names], names=names)
    file = io.BytesIO()
    try:
        parquet.write_table(table, file) if random.random() < 0.5 else feather.write_feather(
            table, file, "uncompressed"
        )
    except pa.ArrowNotImplementedError:  # Parquet has no such type
        feather.write_feather(table, file, "uncompressed")
    return file.getvalue()


ARRAYS: tuple[Callable[[], np.ndarray], ...] = (
    lambda: np.zeros(0),
    lambda: np.array(1.0),
    lambda: np.arange(SIZE),
    lambda: np.random.default_rng(0).normal(size=(SIZE, 6)),
    lambda: np.random.default_rng(0).normal(size=(SIZE, 6, 2)).astype(np.float16),
    lambda: np.zeros((2, 3, 4, 5)),
    lambda: np.zeros((SIZE, 0)),
    lambda: np.full((SIZE, 3), np.nan),
    lambda: np.array(["up", "down"] * (SIZE // 2)),
    lambda: np.array([b"up", b"down"] * (SIZE // 2)),
    lambda: np.array([1 + 2j] * SIZE),
    lambda: np.arange("2024-01-01", "2024-02-10", dtype="datetime64[D]"),
    lambda: np.array([(1, 2.0)] * SIZE, dtype=[("a", "i4"), ("b", "f8")]),
    lambda: np.array([{"a": 1}, None], dtype=object),
    lambda: np.arange(SIZE, dtype=np.timedelta64(1, "s").dtype),
    lambda: np.full((SIZE, 2), 1e308, dtype=np.longdouble),
    lambda: np.asfortranarray(np.ones((SIZE, 3), dtype=">f4")),
)


def _npy(random: Random) -> bytes:
    file = io.BytesIO()
    np.save(file, random.choice(ARRAYS)(), allow_pickle=True)
    return file.getvalue()


def _npz(random: Random) -> bytes:
    file = io.BytesIO()
    names = random.sample(("X", "y", "labels", "data", "train", "a/b", "time"), random.randint(0, 3))
    arrays: dict[str, Any] = {name: random.choice(ARRAYS)() for name in names}
    np.savez(file, **arrays)
    return file.getvalue()


WRITTEN = ((".parquet", _parquet), (".feather", _feather), (".parquet", _arrow), (".npy", _npy), (".npz", _npz))


def typed(random: Random) -> tuple[str, bytes]:
    """A file of typed columns: how its name ends, and its bytes."""
    ending, write = random.choice(WRITTEN)
    return ending, write(random)
