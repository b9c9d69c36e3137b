"""The report: what a run reached, as one HTML file that needs nothing else. Several runs are compared."""

from ganvas.reporting.document import page, plots
from ganvas.reporting.subject import Subject

__all__ = ["Subject", "page", "plots"]
