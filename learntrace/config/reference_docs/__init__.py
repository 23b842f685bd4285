"""Files made from the code: pages of docs/reference and message catalogues."""
