"""Running what was trained: one step at a time, with the state in the hands of the one who runs it."""

from elman.runtime.stepper import Stepper

__all__ = ["Stepper"]
