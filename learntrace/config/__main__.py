"""`python -m learntrace.config` runs `learntrace` where its script is not on the path."""

import sys

from learntrace.config.cli import main

sys.exit(main())
