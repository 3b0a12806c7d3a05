"""Tagging: a tag for each word of a sentence, and the spans that tags mark.

``task.py`` is the task, the other files are its parts.
"""
