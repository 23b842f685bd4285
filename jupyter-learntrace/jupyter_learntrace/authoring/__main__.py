"""`python -m jupyter_learntrace.authoring` is `jupyter assignments`."""

import sys

from jupyter_learntrace.authoring.cli import main

sys.exit(main())
