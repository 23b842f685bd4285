"""Which signal or measure of the first half of a homework tells who doesn't finish it: `make study`."""
