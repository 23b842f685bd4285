"""How people get in: passwords, the limit of guesses, sessions, reset by mail."""
