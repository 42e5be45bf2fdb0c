"""For all tests."""

from __future__ import annotations

import signal

from hypothesis import settings

# A shell that runs the tests in the background makes them, and the programs that they start, ignore Ctrl-C, which some of them are about.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is the machine's affair, on which other tests run too; what a property promises is not a time.
settings.register_profile("ours", deadline=None)
settings.load_profile("ours")
