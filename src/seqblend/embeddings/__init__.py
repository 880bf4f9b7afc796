"""Word vectors: read from files, made from the competition's own sequences, matched and joined."""
