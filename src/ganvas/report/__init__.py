"""The report: what a run reached, as one HTML file that needs nothing else. Several runs are compared."""

from ganvas.report.charts import plots
from ganvas.report.document import page
from ganvas.report.subject import Subject

__all__ = ["Subject", "page", "plots"]
