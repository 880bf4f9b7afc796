"""Speed, side by side with peers: every measurement in a process of its own."""
