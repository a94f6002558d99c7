"""``python -m spatialvote``: the command line."""

import sys

from spatialvote.cli import main

if __name__ == "__main__":
    sys.exit(main())
