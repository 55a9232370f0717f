"""Label Studio: queries go there as tasks, answers come back as events, its next task follows our scores."""
