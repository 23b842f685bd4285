"""A second factor beside the password: codes of an authenticator app, passkeys, recovery codes."""
