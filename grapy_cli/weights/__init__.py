"""`grapy weights`: what weights say of themselves, for people, and how they come to say it."""
