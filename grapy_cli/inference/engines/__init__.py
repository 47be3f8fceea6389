"""Networks that `grapy export` wrote, for other engines than torch to run.

`files` reads what such a file says of itself, `network` runs it as one of torch's is run.
"""
