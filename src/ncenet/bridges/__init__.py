"""Ways in and out: labels as files of other tools, models as files of other runtimes, label tools.

Labels leave and enter as :class:`~ncenet.bridges.records.Record`, which a label format writes and reads; a
format is one small file in :mod:`ncenet.bridges.formats`.
"""
