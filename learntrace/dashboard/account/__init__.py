"""Sign-in and keys: what one signs in with, where one is signed in, and the own keys."""
