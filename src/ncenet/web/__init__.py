"""The labelling page: an API over a run, and a page of plain JavaScript. Needs the extra ``web``."""
