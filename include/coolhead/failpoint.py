"""Named points where a test may kill the process: `COOLHEAD_KILL_AT=name` ends it with SIGKILL there.

Outside tests the variable is not set and a call costs one dictionary look-up.
"""

import os
import signal


def reached(name: str) -> None:
    """Die here, as a machine would, if a test asked for it."""
    if os.environ.get("COOLHEAD_KILL_AT") == name:
        os.kill(os.getpid(), signal.SIGKILL)
