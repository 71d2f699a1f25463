"""Records and truth in, a typed report out: `evaluate` judges runs, `judge_predictions` does it from Python."""
