"""Generators behind HTTP: loaded by name, their samples made together, handed out one request at a time."""
