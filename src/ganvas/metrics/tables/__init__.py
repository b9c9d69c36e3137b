"""Measures of made tables, one file each: float64 matrices [n, fields] in, numbers out.

A missing value is NaN, a class is its number, and ``discrete`` flags the fields that hold classes. Of big tables a
random part is measured, as many rows as each function says, always the same ones for the same seed.
"""
