"""Times in people's files: how they are written, which columns have them, and how far apart they are."""
