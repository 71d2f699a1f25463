"""What happens to the work when something breaks: `python -m tests.faults --trials N --seed S` prints the counts."""
