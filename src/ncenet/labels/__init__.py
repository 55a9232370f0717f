"""Labels in and out: formats of other tools, the standing answers written, answers from elsewhere taken."""
