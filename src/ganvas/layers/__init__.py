"""Building blocks that several networks share. They know tensors only: no space, no game."""
