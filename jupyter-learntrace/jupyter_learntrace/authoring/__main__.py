"""`python -m jupyter_learntrace.authoring` is `jupyter assignments`."""

import sys

from .cli import main

sys.exit(main())
