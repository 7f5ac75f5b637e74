"""What judges share: each compares what was observed with what the reference gave."""
