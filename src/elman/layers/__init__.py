"""Sequences: recurrences in stacks and directions, and drop-ins for ``torch.nn``."""

from elman.layers.recurrent import Recurrent

__all__ = ["Recurrent"]
