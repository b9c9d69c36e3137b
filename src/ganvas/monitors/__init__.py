"""What watches a run: callables ``f(t, game, line)``, told after every round; ``line`` is a log line or None."""
