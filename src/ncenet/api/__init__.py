"""What :mod:`ncenet` shows of itself: runs, results and selection as functions and objects for people.

Everything here is a thin layer over the rooms below, which say what they do in the words of those below them.
"""
