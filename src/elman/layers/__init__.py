"""Sequences: recurrences in stacks and directions, drop-ins for ``torch.nn``, and what stands around a recurrence."""

from elman.layers.attention import AdditiveAttention, Attention, MultiHeadAttention, MultiplicativeAttention
from elman.layers.convolution import Convolution, ImageConvolution, TemporalConvolution
from elman.layers.crf import CRF, span_transitions
from elman.layers.drop_in import GRU, LSTM, RNN
from elman.layers.encoder_decoder import EncoderDecoder
from elman.layers.hybrid import Hybrid
from elman.layers.last import Last
from elman.layers.recurrent import Recurrent
from elman.layers.search import Beam, Greedy, Hypothesis, Limits, Sample
from elman.layers.stacks import Highway, Pyramid, Residual, Shorten, Stack
from elman.layers.transformer import FeedForward, SelfAttention, Transformer

__all__ = [
    "CRF",
    "GRU",
    "LSTM",
    "RNN",
    "AdditiveAttention",
    "Attention",
    "Beam",
    "Convolution",
    "EncoderDecoder",
    "FeedForward",
    "Greedy",
    "Highway",
    "Hybrid",
    "Hypothesis",
    "ImageConvolution",
    "Last",
    "Limits",
    "MultiHeadAttention",
    "MultiplicativeAttention",
    "Pyramid",
    "Recurrent",
    "Residual",
    "Sample",
    "SelfAttention",
    "Shorten",
    "Stack",
    "TemporalConvolution",
    "Transformer",
    "span_transitions",
]
