"""What words mean: whether names, remarks and columns say that something is good, a defect or neither."""
