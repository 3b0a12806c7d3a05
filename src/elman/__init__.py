"""Elman: recurrent neural networks. A recurrence is written once, as one step in ordinary PyTorch."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from elman.cells import Cell
    from elman.compiler.explain import explain
    from elman.errors import ElmanError
    from elman.layers import (
        CRF,
        GRU,
        LSTM,
        RNN,
        AdditiveAttention,
        Beam,
        Convolution,
        EncoderDecoder,
        Greedy,
        Highway,
        Hybrid,
        ImageConvolution,
        MultiHeadAttention,
        MultiplicativeAttention,
        Pyramid,
        Recurrent,
        Residual,
        Sample,
        SelfAttention,
        Stack,
        TemporalConvolution,
        Transformer,
    )
    from elman.learning import (
        RTRL,
        AdaptiveClip,
        Checkpointed,
        ClipNorm,
        ClipValue,
        EProp,
        FullBPTT,
        SnAp1,
        Truncated,
    )
    from elman.remedies import (
        Chrono,
        ForgetBias,
        Identity,
        LayerNorm,
        LearntState,
        Orthogonal,
        VariationalDropout,
        WeightDrop,
        Zoneout,
    )
    from elman.runtime import Stepper
    from elman.tasks import restore as load
    from elman.tasks.anomaly.task import AnomalyTask as Detector
    from elman.tasks.classify.task import ClassifyTask as Classifier
    from elman.tasks.forecast.task import ForecastTask as Forecaster
    from elman.tasks.recommend.task import RecommendTask as Recommender
    from elman.tasks.tag.task import TagTask as Tagger
    from elman.tasks.translate.task import TranslateTask as Translator
    from elman.weights import from_keras, from_onnx, from_torch

# where each public name is; they are imported when they are used, since PyTorch takes seconds
_PLACES = {
    "AdaptiveClip": "elman.learning:AdaptiveClip",
    "AdditiveAttention": "elman.layers:AdditiveAttention",
    "Beam": "elman.layers:Beam",
    "Cell": "elman.cells:Cell",
    "Checkpointed": "elman.learning:Checkpointed",
    "Chrono": "elman.remedies:Chrono",
    "Classifier": "elman.tasks.classify.task:ClassifyTask",
    "ClipNorm": "elman.learning:ClipNorm",
    "ClipValue": "elman.learning:ClipValue",
    "Convolution": "elman.layers:Convolution",
    "CRF": "elman.layers:CRF",
    "Detector": "elman.tasks.anomaly.task:AnomalyTask",
    "ElmanError": "elman.errors:ElmanError",
    "EncoderDecoder": "elman.layers:EncoderDecoder",
    "EProp": "elman.learning:EProp",
    "explain": "elman.compiler.explain:explain",
    "Forecaster": "elman.tasks.forecast.task:ForecastTask",
    "ForgetBias": "elman.remedies:ForgetBias",
    "from_keras": "elman.weights:from_keras",
    "from_onnx": "elman.weights:from_onnx",
    "from_torch": "elman.weights:from_torch",
    "FullBPTT": "elman.learning:FullBPTT",
    "Greedy": "elman.layers:Greedy",
    "GRU": "elman.layers:GRU",
    "Highway": "elman.layers:Highway",
    "Hybrid": "elman.layers:Hybrid",
    "Identity": "elman.remedies:Identity",
    "ImageConvolution": "elman.layers:ImageConvolution",
    "LayerNorm": "elman.remedies:LayerNorm",
    "LearntState": "elman.remedies:LearntState",
    "load": "elman.tasks:restore",
    "LSTM": "elman.layers:LSTM",
    "MultiHeadAttention": "elman.layers:MultiHeadAttention",
    "MultiplicativeAttention": "elman.layers:MultiplicativeAttention",
    "Orthogonal": "elman.remedies:Orthogonal",
    "Pyramid": "elman.layers:Pyramid",
    "Recommender": "elman.tasks.recommend.task:RecommendTask",
    "Recurrent": "elman.layers:Recurrent",
    "Residual": "elman.layers:Residual",
    "RNN": "elman.layers:RNN",
    "RTRL": "elman.learning:RTRL",
    "Sample": "elman.layers:Sample",
    "SelfAttention": "elman.layers:SelfAttention",
    "SnAp1": "elman.learning:SnAp1",
    "Stack": "elman.layers:Stack",
    "Stepper": "elman.runtime:Stepper",
    "Tagger": "elman.tasks.tag.task:TagTask",
    "TemporalConvolution": "elman.layers:TemporalConvolution",
    "Transformer": "elman.layers:Transformer",
    "Translator": "elman.tasks.translate.task:TranslateTask",
    "Truncated": "elman.learning:Truncated",
    "VariationalDropout": "elman.remedies:VariationalDropout",
    "WeightDrop": "elman.remedies:WeightDrop",
    "Zoneout": "elman.remedies:Zoneout",
}

__all__ = [
    "CRF",
    "GRU",
    "LSTM",
    "RNN",
    "RTRL",
    "AdaptiveClip",
    "AdditiveAttention",
    "Beam",
    "Cell",
    "Checkpointed",
    "Chrono",
    "Classifier",
    "ClipNorm",
    "ClipValue",
    "Convolution",
    "Detector",
    "EProp",
    "ElmanError",
    "EncoderDecoder",
    "Forecaster",
    "ForgetBias",
    "FullBPTT",
    "Greedy",
    "Highway",
    "Hybrid",
    "Identity",
    "ImageConvolution",
    "LayerNorm",
    "LearntState",
    "MultiHeadAttention",
    "MultiplicativeAttention",
    "Orthogonal",
    "Pyramid",
    "Recommender",
    "Recurrent",
    "Residual",
    "Sample",
    "SelfAttention",
    "SnAp1",
    "Stack",
    "Stepper",
    "Tagger",
    "TemporalConvolution",
    "Transformer",
    "Translator",
    "Truncated",
    "VariationalDropout",
    "WeightDrop",
    "Zoneout",
    "explain",
    "from_keras",
    "from_onnx",
    "from_torch",
    "load",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'elman' has no attribute {name!r}")
    module, _, attribute = _PLACES[name].partition(":")
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
