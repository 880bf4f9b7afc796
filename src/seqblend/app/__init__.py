"""What the scripts call: flags, the pipeline, the submission, the doctor, the display."""
