"""A study: which signal or measure of the first half of a homework predicts who doesn't finish it (`make study`)."""
