"""As much of the types of llvmlite as the kernels need: it declares none, and what its source suggests is wrong."""

__version__: str
