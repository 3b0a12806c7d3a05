"""Kernels for the CPU, made by LLVM on the machine that runs them.

``host.py`` says what that machine is, ``jit.py`` turns a module of LLVM's language into addresses, ``store.py`` keeps
compiled kernels on disk, ``functions.py`` writes the element-wise functions.
"""
