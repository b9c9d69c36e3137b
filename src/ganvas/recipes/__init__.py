"""Functions from data to a Recipe: a game, a net and flags that suit each other, and the number they should reach."""
