"""HTTP to a Hub: connecting, publishing, streaming runs in progress, and `ds sync`. Each part is loaded on first use."""
