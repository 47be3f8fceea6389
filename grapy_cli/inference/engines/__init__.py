"""Run networks that `grapy export` wrote for other engines than torch."""
