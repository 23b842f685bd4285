"""The first set-up of an installation in a browser: a one-time code, the operator's account, an academy and a class."""
