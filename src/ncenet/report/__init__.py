"""Tables, figures and pages for people, made from records alone: no model is loaded."""

from ncenet.report.summary import print_results, results_record, write_report

__all__ = ["print_results", "results_record", "write_report"]
