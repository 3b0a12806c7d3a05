"""The last output of a layer alone, as ``nn.Sequential`` wants what it passes on."""

from typing import Any

import torch
from torch import Tensor, nn

from elman.errors import ElmanError
from elman.layers.drop_in import DropIn
from elman.layers.recurrent import Recurrent


class Last(nn.Module):
    """A layer over a sequence that gives its last valid output alone, so that another layer can follow.

    Of a layer in both directions this is what each has once it has read everything: the forward one's output of the
    last valid step beside the backward one's of the first, as Keras' ``Bidirectional`` gives without
    ``return_sequences``.

    Args:
        layer: a drop-in as ``elman.RNN``, or any layer of ours, such as ``elman.Recurrent``.

    Raises:
        ElmanError: outputs that are not ``[batch, time, features]``.

    Example:
        >>> from elman.layers import RNN
        >>> model = nn.Sequential(Last(RNN(1, 50, batch_first=True)), nn.Linear(50, 1))
        >>> model(torch.zeros(4, 10, 1)).shape
        torch.Size([4, 1])
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor, *, lengths: Tensor | None = None, **inputs: Any) -> Tensor:
        """``[B, T, I]`` to ``[B, F]``, ``[T, B, I]`` where the layer is not ``batch_first``; zero for a row of none.

        Args:
            x: the input of the layer.
            lengths: ``[B]``, the valid steps of each row.
            inputs: what else the layer takes.
        """
        if lengths is not None:
            inputs["lengths"] = lengths
        outputs = self.layer(x, **inputs)[0]
        if not isinstance(outputs, Tensor) or outputs.dim() != 3:
            raise ElmanError("Last takes a layer with outputs [batch, time, features]; this gave another form of them")
        outputs = outputs if getattr(self.layer, "batch_first", True) else outputs.transpose(0, 1)
        if not outputs.shape[1]:
            return outputs.sum(1)  # zero, as outputs of no steps are
        if lengths is None:
            last = outputs[:, -1]
        else:
            place = (lengths.to(outputs.device).long() - 1).clamp(min=0)
            last = outputs[torch.arange(len(outputs), device=outputs.device), place]
        if not (isinstance(self.layer, Recurrent | DropIn) and self.layer.bidirectional):
            return last
        half = outputs.shape[2] // 2
        return torch.cat([last[:, :half], outputs[:, 0, half:]], -1)
