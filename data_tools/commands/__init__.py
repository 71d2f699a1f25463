"""What the command lines share: the parser and the flags."""
