"""How gradients are had: each way is a value, given to training."""

from elman.learning.truncated import Truncated

__all__ = ["Truncated"]
