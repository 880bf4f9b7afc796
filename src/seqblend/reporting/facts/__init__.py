"""What is known of runs, rows and scores: records, and the numbers and tables made of them."""
