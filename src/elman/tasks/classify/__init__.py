"""Classification and regression: a label, several, or a number, for a text or a series.

``task.py`` is the task, the other files are its parts.
"""
