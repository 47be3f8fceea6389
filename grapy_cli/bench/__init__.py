"""`grapy bench`: how fast photos are parsed on this machine, and what of the time goes where."""
