"""Files of weights whose header says of their tensors what is not so."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

LENGTHS = (0, 1, 7, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1)  # that the first eight bytes may say
NUMBERS = (-1, 0, 1, 2**31, 2**32, 2**53 + 1, 2**63, 2**64, 10**30, 1.5, True, None, "3", [], {})
TYPES = ("F64", "F16", "BF16", "I64", "I8", "U8", "BOOL", "F8_E4M3", "C64", "f32", "", None, 3, ["F32"])
NAMES = ("", "x" * 1_000_000, "\0", "\u202e", "../weights", "__metadata__", "task.embedding.weight")
BESIDE = (
    None, "", "{", "[]", "null", "3", '{"options.json": 3}', '{"options.json": null}', '{"/etc/passwd": "x"}',
    '{"../options.json": "x"}', "[" * 100_000, '{"a":' * 5_000, '{"vocabulary.json": "' + "0" * 64 + '"}', "\ud800",
)  # fmt: skip


def forged(random: Random, data: bytes) -> bytes:
    """The same tensors under a header that is forged."""
    size = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + size]), data[8 + size :]
    return random.choice(WAYS)(random, header, body)


def packed(header: Any, body: bytes, size: int | None = None) -> bytes:
    """A file of a header, which is an object or its text, and of what stands behind it."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if size is None else size).to_bytes(8, "little") + text + body


def another_length(random: Random, header: dict[str, Any], body: bytes) -> bytes:
    text = json.dumps(header).encode()
    near = (len(text) - 1, len(text) + 1, len(text) + len(body), len(text) + len(body) + 1)
    return packed(text, body, random.choice((*LENGTHS, *near)))


def other_offsets(random: Random, header: dict[str, Any], body: bytes) -> bytes:
    """Tensors that overlap, leave a gap, end before they begin or behind the file."""
    one, other = (each["data_offsets"] for each in random.sample(_tensors(header), 2))
    start, end = one
    one[:] = random.choice(
        (
            list(other), [end, start], [start, start], [start + 4, end + 4], [0, len(body)], [start, 2**63], [-4, end],
            [start, end + len(body)], [start], [start, end, end], [random.choice(NUMBERS), random.choice(NUMBERS)],
        )
    )  # fmt: skip
    return packed(header, body)


def other_shape(random: Random, header: dict[str, Any], body: bytes) -> bytes:
    """Numbers of a size that overflows, is below zero, or is no number."""
    one = random.choice(_tensors(header))
    one["shape"] = random.choice(
        (
            [], [0], [*one["shape"], 1], one["shape"][::-1], [2**32, 2**32], [2**62, 4], [2**63], [-1, -4], [2**64 + 1],
            [1] * 10_000, [0, 2**63], [random.choice(NUMBERS)], random.choice(NUMBERS),
        )
    )  # fmt: skip
    return packed(header, body)


def another_type(random: Random, header: dict[str, Any], body: bytes) -> bytes:
    random.choice(_tensors(header))["dtype"] = random.choice(TYPES)
    return packed(header, body)


def another_name(random: Random, header: dict[str, Any], body: bytes) -> bytes:
    """A tensor of another name, twice, without a part, or of parts that there are not."""
    name = random.choice([each for each in header if each != "__metadata__"])
    one = header[name]
    if random.random() < 0.3:
        del one[random.choice(list(one))]
    elif random.random() < 0.3:
        one["stride"] = [1, 1]
    elif random.random() < 0.5:
        text = json.dumps(header)[:-1] + f", {json.dumps(name)}: {json.dumps(one)}}}"
        return packed(text.encode(), body)
    else:
        header[random.choice(NAMES)] = header.pop(name)
    return packed(header, body)


def other_words(random: Random, header: dict[str, Any], body: bytes) -> bytes:
    """What is said of the files beside the weights is of another kind."""
    said: Any = {"beside": random.choice(BESIDE)} if random.random() < 0.8 else random.choice((3, [], "x", None))
    return packed({**header, "__metadata__": said}, body)


def another_header(random: Random, header: dict[str, Any], body: bytes) -> bytes:
    """A header that is no object, not UTF-8, nested without end, or long."""
    text, nothing = json.dumps(header).encode(), {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    whole = random.choice(
        (
            b"", b"{}", b"[]", b"null", b"NaN", b"[" * 200_000, b'{"a":' * 100_000, text + text, text[:-1],
            text + b"\xff", b"\xef\xbb\xbf" + text, text.replace(b"F32", b"\xed\xa0\x80"), text + b" " * 7,
            text + b" " * 30_000_000, json.dumps({f"t{n}": nothing for n in range(20_000)}).encode(),
        )
    )  # fmt: skip
    return packed(whole, body)


def another_body(random: Random, header: dict[str, Any], body: bytes) -> bytes:
    """Fewer numbers than the header says, or more."""
    return packed(header, random.choice((b"", body[:-1], body[:-4], body + b"\0", body + b"\0" * 4096, body * 2)))


def _tensors(header: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for name, each in header.items() if name != "__metadata__"]


WAYS: tuple[Callable[[Random, dict[str, Any], bytes], bytes], ...] = (
    another_length, *[other_offsets] * 3, *[other_shape] * 3, another_type, *[another_name] * 2, other_words,
    another_header, another_body,
)  # fmt: skip
