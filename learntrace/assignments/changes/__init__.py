"""What becomes of records when assets change, or users are merged."""
