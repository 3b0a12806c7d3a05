"""Language modelling: a text, or strings, one a line.

``task.py`` is the task, the other files are its parts.
"""
