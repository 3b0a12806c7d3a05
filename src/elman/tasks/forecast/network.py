"""The network of a forecaster: a recurrence reads the past in segments and goes on through the future."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.errors import ElmanError
from elman.layers.encoder import encoder
from elman.tasks.forecast.windows import Window

LEAST = 1e-2  # the smallest spread of a window, in units of its channel


class Horizon(nn.Module):
    """Windows of a series to a whole horizon of forecasts at once.

        level, spread = the mean of the window (or its last value), its standard deviation
        z = (seen - level) / spread
        x_i = relu(W [z, given, known, past in segment i; calendar]) + e,              i = 1 .. n
        x_j = p_j + V [known in segment j; calendar] + e,                              j = n + 1 .. n + m
        y_1 .. y_{n+m} = recurrent(x_1 .. x_{n+m})
        r_t = gelu(U_t y_j + K [known, calendar at t]),                                t in segment j
        forecast_t = level + spread (A z + G r_t)_t

    ``e`` is of the channel and its constants, ``p_j`` of the place in the horizon; ``A``, the straight way from what
    was seen to what comes, begins as ridge regression. Segments are those of Lin et al. 2023 (SegRNN), the
    straight way that of Zeng et al. 2023 (NLinear), the level and the spread of a window those of Kim et al. 2022
    (RevIN), the step from the future's own features that of Das et al. 2023 (TiDE).

    Args:
        options: ``cell``, ``hidden``, ``layers``, ``dropout``, ``level`` and ``straight`` of a forecaster.
        context: steps that are seen.
        horizon: steps that are forecast.
        segment: steps of a segment.
        channels: channels that are learnt.
        known: columns that are known of the future.
        past: columns that are not.
        constants: columns that do not change within a series.
        calendar: waves of the calendar.
        outputs: numbers that are forecast for each step.
    """

    def __init__(
        self,
        options: Any,
        *,
        context: int,
        horizon: int,
        segment: int,
        channels: int,
        known: int,
        past: int,
        constants: int,
        calendar: int,
        outputs: int,
    ) -> None:
        super().__init__()
        if options.normalise not in ("mean", "last"):
            raise ElmanError(f"--normalise is mean or last, not {options.normalise!r}")
        self.context, self.horizon, self.segment, self.level = context, horizon, segment, options.normalise
        self.before, self.after = -(-context // segment), -(-horizon // segment)  # segments
        size, fine = options.hidden, max(8, options.hidden // 8)
        self.seen = nn.Linear(segment * (2 + known + past) + calendar, size)
        self.coming = nn.Linear(segment * known + calendar, size, bias=False) if known + calendar else None
        self.places = nn.Parameter(0.02 * torch.randn(self.after, size))
        self.channel = nn.Embedding(channels + 1, size, padding_idx=0)  # 0 is one that was not learnt
        nn.init.zeros_(self.channel.weight)
        self.constants = nn.Linear(constants, size, bias=False) if constants else None
        self.recurrent = encoder(options.cell, size, size, options.layers, dropout=options.dropout)
        self.dropout = nn.Dropout(options.dropout)
        self.steps = nn.Linear(self.recurrent.output_size, segment * fine)
        self.fine = nn.Linear(known + calendar, fine, bias=False) if known + calendar else None
        self.head = nn.Linear(fine, outputs)
        self.straight = nn.Linear(context, horizon) if options.linear_skip else None
        if self.straight is not None:
            nn.init.zeros_(self.straight.weight)
            nn.init.zeros_(self.straight.bias)

    @torch.no_grad()
    def start(self, straight: np.ndarray) -> None:
        """Begin with a linear model, ``[L, H]``, of which the recurrence learns what it leaves."""
        if self.straight is not None:
            self.straight.weight.copy_(torch.from_numpy(straight.T))

    def forward(self, window: Window) -> Tensor:
        """Forecasts ``[B, H, outputs]``, in units of the channels."""
        window = Window(*(part.to(self.places.device) for part in window))
        z, given, level, spread = self.normalised(window.seen)
        past = self._segments(
            torch.cat([torch.stack([z, given], -1), window.known[:, : self.context], window.past], -1)
        )
        known, calendar = window.known[:, self.context :], window.calendar[:, -self.horizon :]
        ends = window.calendar[:, : -self.horizon]  # of segments
        of_channel = self.channel(window.channel)[:, None]
        if self.constants is not None:
            of_channel = of_channel + self.constants(window.constants)[:, None]
        x = F.relu(self.seen(torch.cat([past, ends], -1))) + of_channel
        to_come = self.places + of_channel
        short = self.after * self.segment - self.horizon
        if self.coming is not None:
            filled = F.pad(known, (0, 0, 0, short)).unflatten(1, (self.after, self.segment)).flatten(2)
            to_come = to_come + self.coming(torch.cat([filled, calendar[:, :: self.segment]], -1))
        y, _ = self.recurrent(torch.cat([x, to_come], 1))
        r = self.steps(self.dropout(y[:, self.before :])).unflatten(-1, (self.segment, -1)).flatten(1, 2)
        r = r[:, : self.horizon]
        if self.fine is not None:
            r = r + self.fine(torch.cat([known, calendar], -1))
        forecast = self.head(F.gelu(r))
        if self.straight is not None:
            forecast = forecast + self.straight(z)[..., None]
        return level[..., None] + spread[..., None] * forecast

    def normalised(self, seen: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """A window less its level by its spread, ``[B, L]``, which of its values were given, the level, the spread.

        A missing value is as the one before it; before the first it is the mean.
        """
        there = ~seen.isnan()
        given = there.to(seen.dtype)
        number = given.sum(1, keepdim=True).clamp(min=1)
        filled = torch.nan_to_num(seen)
        mean = filled.sum(1, keepdim=True) / number
        spread = ((((filled - mean) * given) ** 2).sum(1, keepdim=True) / number + LEAST**2).sqrt()
        last = torch.where(there, torch.arange(seen.shape[1], device=seen.device), -1).cummax(1).values
        filled = torch.where(last >= 0, filled.gather(1, last.clamp(min=0)), mean)
        level = filled[:, -1:] if self.level == "last" else mean
        return (filled - level) / spread, given, level, spread

    def _segments(self, steps: Tensor) -> Tensor:
        """Steps ``[B, L, F]`` as segments ``[B, n, segment * F]``, the first filled up with zeros at its start."""
        short = self.before * self.segment - self.context
        return F.pad(steps, (0, 0, short, 0)).unflatten(1, (self.before, self.segment)).flatten(2)


def ends(context: int, segment: int) -> np.ndarray:
    """The last step of each segment of a window, whose first segment may be a shorter one.

    >>> ends(10, 4)
    array([1, 5, 9])
    """
    return np.arange((context - 1) % segment, context, segment)


def pinball(forecast: Tensor, truth: Tensor, levels: Sequence[float]) -> Tensor:
    """The loss of quantiles, ``[..., Q]``: what is too low costs its level, what is too high the rest.

        loss = max(q (y - f), (q - 1) (y - f))

    Example:
        >>> pinball(torch.tensor([[1.0, 1.0]]), torch.tensor([3.0]), [0.5, 0.9])
        tensor([[1.0000, 1.8000]])
    """
    error = truth[..., None] - forecast
    level = torch.tensor(levels, dtype=error.dtype, device=error.device)
    return torch.maximum(level * error, (level - 1) * error)
