"""What lies on disk: blobs by their digest, files as they were seen, run folders and journals."""
