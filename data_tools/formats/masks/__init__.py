"""Images with masks, and images of which folders or records say what they show."""
