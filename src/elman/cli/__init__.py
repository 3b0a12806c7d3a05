"""The command line: one file per verb, its function named ``command``; heavy libraries are imported inside it."""
