"""What is done to any recurrence so that it trains or generalises better: values that any cell takes.

``Recurrent("lstm", 32, 128, remedies=[Zoneout(0.1), ForgetBias(1.0)])``, or ``cell.attach(Zoneout(0.1))``.
"""

from elman.remedies.initialisers import Chrono, ForgetBias, Identity, Orthogonal
from elman.remedies.layer_norm import LayerNorm
from elman.remedies.learnt_state import LearntState
from elman.remedies.variational_dropout import VariationalDropout
from elman.remedies.weight_drop import WeightDrop
from elman.remedies.zoneout import Zoneout

__all__ = [
    "Chrono",
    "ForgetBias",
    "Identity",
    "LayerNorm",
    "LearntState",
    "Orthogonal",
    "VariationalDropout",
    "WeightDrop",
    "Zoneout",
]
