"""The fit loop and all around it: checkpoints, processes, run folders, the choice of the epoch."""
