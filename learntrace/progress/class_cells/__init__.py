"""How the learners of a class stand on its assignments, remembered from one request to the next."""
