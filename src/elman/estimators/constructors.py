"""The constructors of the estimators, made from their options; what an editor reads is ``constructors.pyi``."""

from elman.estimators.options import CONSTRUCTORS, constructed

globals().update({name: constructed(name, each) for name, each in CONSTRUCTORS.items()})
