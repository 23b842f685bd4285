"""The text files that jupytext pairs with notebooks: tags are written there too."""
