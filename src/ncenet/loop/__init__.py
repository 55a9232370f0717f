"""Ask and tell: the whole of active learning, in simulation and in production alike."""
