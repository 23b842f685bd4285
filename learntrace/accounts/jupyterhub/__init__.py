"""Identity by JupyterHub: ask the hub for a token's user, and find or create that user here."""
