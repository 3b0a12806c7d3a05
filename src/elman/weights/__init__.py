"""Weights from elsewhere: layers of torch.nn, Keras and ONNX, read into ready-made modules. Nothing is unpickled."""

from elman.weights.keras import from_keras
from elman.weights.onnx import from_onnx
from elman.weights.torch import from_torch

__all__ = ["from_keras", "from_onnx", "from_torch"]
