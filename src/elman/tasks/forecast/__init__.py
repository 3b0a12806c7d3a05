"""Forecasting: quantiles of what comes next in one series or many.

``task.py`` is the task, the other files are its parts.
"""
