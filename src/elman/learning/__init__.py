"""How gradients are had: each way is a value, given to training or used in a loop of one's own.

loss, state = learning.backward(model, x, target, F.mse_loss, state)
clip(model.parameters())
"""

from elman.learning.checkpointed import Checkpointed
from elman.learning.clipping import AdaptiveClip, Clip, ClipNorm, ClipValue
from elman.learning.full import FullBPTT
from elman.learning.learning import Learning
from elman.learning.online import RTRL, EProp, SnAp1
from elman.learning.truncated import Truncated

__all__ = [
    "RTRL",
    "AdaptiveClip",
    "Checkpointed",
    "Clip",
    "ClipNorm",
    "ClipValue",
    "EProp",
    "FullBPTT",
    "Learning",
    "SnAp1",
    "Truncated",
]
