"""Records and truth in, a typed report out; `data_tools.evaluate` is `judge_predictions.evaluate`."""
