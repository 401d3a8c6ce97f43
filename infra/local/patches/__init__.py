"""What this project changes in ministack, the emulator of AWS: one module a patch.

A patch works on private parts of the pinned version. Its module says what it mends and where in ministack
(https://github.com/ministackorg/ministack) that belongs. `install` raises LookupError where ministack is not as
expected; then launcher.py runs it without the patch, and says so.
"""
