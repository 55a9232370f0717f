"""What several data sets say together: wins, ranks, parts of the budget, labels saved, each with intervals.

Everything starts from one table of numbers, :class:`~ncenet.compare.across.table.Numbers`: sets D, seeds S,
arms A, with nan where a trial is missing. A comparison on one data set is such a table with D = 1.
"""
