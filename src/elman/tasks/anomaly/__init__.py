"""Anomaly detection: how improbable each row of a stream of numbers is.

``task.py`` is the task, the other files are its parts.
"""
