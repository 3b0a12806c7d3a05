"""Speeds as ratios: contenders take turns in one process, so that what slows the machine slows all of them."""

import gc
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

Work = Callable[[], object]


@dataclass(frozen=True)
class Effort:
    """How long one comparison may take."""

    seconds: float  # rounds go on until then
    least: int  # but there are at least so many
    most: int  # and no more than these
    sample: float  # seconds that a sample takes at least, so that the clock and the loop do not count


FULL = Effort(seconds=2.0, least=5, most=41, sample=0.004)
QUICK = Effort(seconds=0.2, least=3, most=11, sample=0.002)


@dataclass(frozen=True)
class Timings:
    """What the contenders took, in seconds a call, round by round."""

    rounds: list[dict[str, float]]

    def seconds(self, name: str) -> float:
        """The median time of a call."""
        return median(turn[name] for turn in self.rounds)

    def ratio(self, over: str, under: str) -> float:
        """How many times as long ``over`` takes as ``under``: the median of the rounds' own ratios."""
        return median(turn[over] / turn[under] for turn in self.rounds)


def compare(contenders: Mapping[str, Work], effort: Effort, pause: float = 0.0) -> Timings:
    """Time the contenders, one after another in every round, every other round in the opposite order.

    Args:
        contenders: work by name, each done at least twice before anything of it counts.
        effort: how long it may take.
        pause: seconds of rest before each sample, for those whose threads go on spinning after their work.
    """
    with _no_collection():
        calls = {name: _calls(work, effort.sample) for name, work in contenders.items()}
        order, rounds = list(contenders), []
        end = time.perf_counter() + effort.seconds
        while len(rounds) < effort.least or (len(rounds) < effort.most and time.perf_counter() < end):
            rounds.append({name: _sample(contenders[name], calls[name], pause) for name in order})
            order.reverse()
    return Timings(rounds)


def geometric_mean(values: Iterable[float]) -> float:
    """The mean that treats twice as fast and twice as slow alike.

    >>> geometric_mean([0.5, 2.0])
    1.0
    """
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs))


def _calls(work: Work, least: float) -> int:
    """Calls that together take at least so many seconds, found after a warm-up."""
    work()
    calls = 1
    while (taken := _timed(work, calls)) < least:
        calls = max(2 * calls, math.ceil(calls * least / max(taken, 1e-9)))
    return calls


def _sample(work: Work, calls: int, pause: float) -> float:
    if pause:
        time.sleep(pause)
    if pause or calls > 1:  # short work finds the caches as the contender before has left them; long work fills them
        work()
    return _timed(work, calls) / calls


def _timed(work: Work, calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        work()
    return time.perf_counter() - start


@contextmanager
def _no_collection() -> Iterator[None]:
    """Hold Python's collector back, so that no contender pays for what another has left."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
