"""Numbers in the cells of people's files: how they are written, and what stands where there is none."""
