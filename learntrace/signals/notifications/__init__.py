"""Telling teachers of signals: by e-mail, webhooks and chat services; a package of one module a step."""
