"""Keys: their scopes, their strength, when they were used, and what their owners and operators do with them."""
