"""What a dataset holds, what leaks, and which labels are doubtful."""
