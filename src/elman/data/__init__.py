"""From people's files to batches of tensors."""
