"""Tables: numbers, categories, dates and missing values, from pandas, polars, Arrow, CSV, Parquet and data sets."""

from ganvas.spaces.tables.fields import Field
from ganvas.spaces.tables.loading import tables
from ganvas.spaces.tables.metadata import sdv
from ganvas.spaces.tables.space import Table, Token

__all__ = ["Field", "Table", "Token", "sdv", "tables"]
