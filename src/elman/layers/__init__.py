"""Sequences: recurrences in stacks and directions, and drop-ins for ``torch.nn``."""

from elman.layers.drop_in import GRU, LSTM, RNN
from elman.layers.recurrent import Recurrent

__all__ = ["GRU", "LSTM", "RNN", "Recurrent"]
