"""The public names, one a line: what an editor reads, and what ``__init__.py`` looks up when a name is used."""

from elman.cells import Cell as Cell
from elman.cells.adopt import adopt as adopt
from elman.compiler.explain import explain as explain
from elman.errors import ElmanError as ElmanError
from elman.estimators.anomaly import AnomalyDetector as AnomalyDetector
from elman.estimators.classify import Classifier as Classifier
from elman.estimators.classify import Regressor as Regressor
from elman.estimators.folders import load as load
from elman.estimators.forecast import Forecaster as Forecaster
from elman.estimators.language import LanguageModel as LanguageModel
from elman.estimators.recommend import Recommender as Recommender
from elman.estimators.tag import Tagger as Tagger
from elman.estimators.translate import Translator as Translator
from elman.layers import CRF as CRF
from elman.layers import GRU as GRU
from elman.layers import LSTM as LSTM
from elman.layers import RNN as RNN
from elman.layers import AdditiveAttention as AdditiveAttention
from elman.layers import Beam as Beam
from elman.layers import Convolution as Convolution
from elman.layers import EncoderDecoder as EncoderDecoder
from elman.layers import Greedy as Greedy
from elman.layers import Highway as Highway
from elman.layers import Hybrid as Hybrid
from elman.layers import ImageConvolution as ImageConvolution
from elman.layers import Last as Last
from elman.layers import MultiHeadAttention as MultiHeadAttention
from elman.layers import MultiplicativeAttention as MultiplicativeAttention
from elman.layers import Pyramid as Pyramid
from elman.layers import Recurrent as Recurrent
from elman.layers import Residual as Residual
from elman.layers import Sample as Sample
from elman.layers import SelfAttention as SelfAttention
from elman.layers import Stack as Stack
from elman.layers import TemporalConvolution as TemporalConvolution
from elman.layers import Transformer as Transformer
from elman.learning import RTRL as RTRL
from elman.learning import AdaptiveClip as AdaptiveClip
from elman.learning import Checkpointed as Checkpointed
from elman.learning import ClipNorm as ClipNorm
from elman.learning import ClipValue as ClipValue
from elman.learning import EProp as EProp
from elman.learning import FullBPTT as FullBPTT
from elman.learning import SnAp1 as SnAp1
from elman.learning import Truncated as Truncated
from elman.remedies import Chrono as Chrono
from elman.remedies import ForgetBias as ForgetBias
from elman.remedies import Identity as Identity
from elman.remedies import LayerNorm as LayerNorm
from elman.remedies import LearntState as LearntState
from elman.remedies import Orthogonal as Orthogonal
from elman.remedies import VariationalDropout as VariationalDropout
from elman.remedies import WeightDrop as WeightDrop
from elman.remedies import Zoneout as Zoneout
from elman.runtime import Stepper as Stepper
from elman.weights import from_keras as from_keras
from elman.weights import from_onnx as from_onnx
from elman.weights import from_torch as from_torch

__all__: list[str]

__version__: str
