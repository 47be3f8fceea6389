"""`grapy weights`: show the card of weights, pack weights, and adopt those of other tools."""
