"""What the Hub does, in its own words: rules, without HTTP and without SQL."""
