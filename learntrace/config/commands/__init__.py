"""The subcommands of `learntrace`."""
