"""What every checker shares: running code, judging it, naming the mistake, reporting."""
