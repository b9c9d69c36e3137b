"""From what a user names, a run, a folder or an array, to figures that can be defended."""
