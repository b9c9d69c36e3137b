"""What a game is ill with, in plain words: evidence from the log, the weights and a few moves, then verdicts."""
