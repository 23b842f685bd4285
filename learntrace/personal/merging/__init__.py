"""Two users who are one person become one: everything of one goes to the other, and can be given back."""
