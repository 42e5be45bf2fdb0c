"""For all tests."""

from __future__ import annotations

import signal

# A shell that runs the tests in the background makes them, and the programs that they start, ignore Ctrl-C, which some of them are about.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
