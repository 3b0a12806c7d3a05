"""``python -m elman``: the command line."""

import sys

from elman.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
