"""`python -m learntrace.config` is `learntrace`, for where its script isn't on the path."""

import sys

from learntrace.config.cli import main

sys.exit(main())
