"""Sequences: recurrences in stacks and directions, drop-ins for ``torch.nn``, and what stands around a recurrence."""

from elman.layers.convolution import Convolution, ImageConvolution, TemporalConvolution
from elman.layers.crf import CRF, span_transitions
from elman.layers.drop_in import GRU, LSTM, RNN
from elman.layers.hybrid import Hybrid
from elman.layers.recurrent import Recurrent
from elman.layers.stacks import Highway, Pyramid, Residual, Shorten, Stack
from elman.layers.transformer import FeedForward, SelfAttention, Transformer

__all__ = [
    "CRF",
    "GRU",
    "LSTM",
    "RNN",
    "Convolution",
    "FeedForward",
    "Highway",
    "Hybrid",
    "ImageConvolution",
    "Pyramid",
    "Recurrent",
    "Residual",
    "SelfAttention",
    "Shorten",
    "Stack",
    "TemporalConvolution",
    "Transformer",
    "span_transitions",
]
