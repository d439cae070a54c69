"""What belongs to the process as a whole: its output, the signals that ask it to stop, and what libraries log."""
