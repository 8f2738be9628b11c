"""What makes files of this repository out of others, such as the notebooks from their sources."""
