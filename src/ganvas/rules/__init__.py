"""What the user may add to any game: augmentation, noise, penalties, layers through which D sees a whole batch."""
