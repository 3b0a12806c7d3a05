"""Recommendation: the next items of people, from what they did and when.

``task.py`` is the task, the other files are its parts.
"""
