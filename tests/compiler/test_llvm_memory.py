"""Large buffers: used again when nothing uses them, and never by two at once."""

import threading

import pytest
import torch

import elman
from elman.compiler.executors.llvm import memory

ROWS = memory.LARGE // 4 + 1  # of float32: a little more than what counts as large


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> memory._Pool:
    made = memory._Pool(most=4 * memory.LARGE)
    monkeypatch.setattr(memory, "_pool", made)
    return made


def test_memory_is_used_again_once_no_view_of_it_is_left(pool: memory._Pool) -> None:
    first = memory.empty((ROWS,), torch.float32)
    place, part = first.data_ptr(), first[5:]
    del first
    other = memory.empty((ROWS,), torch.float32)
    assert other.data_ptr() != place, "a view still uses it"
    del part
    assert memory.empty((ROWS + 9, 1), torch.float32).data_ptr() == place, "as many pages"
    assert memory.empty((ROWS,), torch.float64).data_ptr() != other.data_ptr()


def test_no_more_is_kept_than_there_may_be(pool: memory._Pool) -> None:
    several = [memory.empty((ROWS,), torch.float32) for _ in range(5)]
    del several
    assert pool.bytes == 4 * memory.LARGE
    large = memory.empty((2 * ROWS,), torch.float32)
    del large
    assert pool.bytes <= 4 * memory.LARGE
    assert sum(size * len(blocks) for size, blocks in pool.free.items()) == pool.bytes
    huge = memory.empty((5 * ROWS,), torch.float32)
    before = pool.bytes
    del huge
    assert pool.bytes == before > 0, "what is larger than all that may be kept is given back"


def test_many_threads_never_share_memory(pool: memory._Pool) -> None:
    wrong: list[int] = []

    def work(number: int) -> None:
        for _ in range(50):
            mine = memory.empty((ROWS,), torch.float32).fill_(number)
            if not bool((mine == number).all()):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_outputs_are_ordinary_tensors(pool: memory._Pool) -> None:
    layer, x = elman.GRU(8, 256, batch_first=True), torch.randn(64, 40, 8, requires_grad=True)
    outputs, _ = layer(x)
    assert outputs.numel() >= ROWS
    kept = outputs.detach().clone()
    changed = torch.relu_(outputs)  # in place, as any operation may
    changed.sum().backward()
    assert x.grad is not None
    again, _ = layer(x)
    assert torch.equal(again, kept)
    assert torch.equal(torch.relu(kept), changed), "a later call did not touch it"
