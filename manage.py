#!/usr/bin/env python
"""Django's commands; with an embedded installation each connects to its database, or starts it for its own duration."""

import sys

from learntrace.config.cli import run_management_command

if __name__ == "__main__":
    run_management_command(sys.argv)
