"""Recordings as a card makes them, made without one."""

import time

import torch


class Recorder:
    """Records work as a CUDA graph does: what goes in and comes out has one place for all times.

    Args:
        fails: Says of a tensor whether work on it cannot be recorded.
        pause: Seconds a repetition takes, so that threads come in each other's way.
    """

    def __init__(self, fails=lambda given: False, pause=0.0):
        self.made = []
        self.repeated = 0
        self._fails = fails
        self._pause = pause

    def __call__(self, work, given):
        self.made.append(tuple(given.shape))
        if self._fails(given):
            raise RuntimeError("operation not permitted when stream is capturing")
        own = given.clone()
        result = work(own)

        def replay(fresh):
            self.repeated += 1
            own.copy_(fresh)
            time.sleep(self._pause)
            with torch.inference_mode():
                result.copy_(work(own))
            time.sleep(self._pause)
            return result.clone()

        return replay
