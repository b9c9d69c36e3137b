"""Experiments with a trained generator, one file each: a file with a function of its own name, ``name(run, *, …)``."""
