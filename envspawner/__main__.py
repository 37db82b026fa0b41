"""`python -m envspawner` is the `envspawner` command."""

import sys

from .cli import main

sys.exit(main())
