"""`grapy bench`: measure how fast photos are parsed here, and how long each stage takes."""
