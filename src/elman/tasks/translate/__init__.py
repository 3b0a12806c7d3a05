"""Translation: a sequence of words or symbols to another.

``task.py`` is the task, the other files are its parts.
"""
