"""Tables, figures and pages for people, made from records alone: no model is loaded."""

from ncenet.report.page import report

__all__ = ["report"]
