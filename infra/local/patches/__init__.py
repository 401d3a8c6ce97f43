"""This project's changes to ministack, the emulator of AWS: one module per patch.

A patch changes private parts of the pinned version. Its module says what it mends and where in ministack
(https://github.com/ministackorg/ministack) the change belongs. `install` raises LookupError if ministack is not as
expected; then launcher.py runs it without the patch, and says so.
"""
