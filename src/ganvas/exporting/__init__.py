"""Ways out of the laboratory: what a generator becomes so that others can run it."""
