"""Several parties as shares of one whole: logits against the rest, with district effects that correlate."""
