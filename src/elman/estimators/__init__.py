"""The tasks as scikit-learn has its estimators: options in the constructor, then ``fit``, ``predict``, ``score``.

``base.py`` is what all share, ``constructors.py`` makes the constructors from the options of the tasks, ``folders.py``
keeps estimators; each other file has those of one task.
"""
