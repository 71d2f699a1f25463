"""The region-proposal detector, and the door to the evaluator."""
