"""What all tasks stand on: their contract, one way to train on Lightning, runs from file to folder, and their report.

``task.py`` is the contract, ``options.py`` says what an option is, ``settings.py`` has those that all tasks share,
``loop.py`` trains, ``checkpoints.py`` keeps what a cut run goes on from, ``trials.py`` tries other settings,
``runs.py`` goes from files to a model folder, ``summary.py`` and ``report.py`` say what came of it.
"""
