"""What a run leaves behind for others: errors that say since when readers suffer, and announcements."""
