"""The formats of files of rows, each in a file of its own."""
