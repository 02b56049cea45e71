"""What wakes a task when Rust has something for it.

uniffi's own raises where the loop has ended meanwhile, in a thread of Rust's, where nobody can catch it:
Python then prints "Exception ignored" at the end of a program that did nothing wrong.
"""

from __future__ import annotations

import contextlib
from typing import Any

from ._ffi import parlour_ffi

_ffi: Any = parlour_ffi


@_ffi._UNIFFI_RUST_FUTURE_CONTINUATION_CALLBACK  # type: ignore[untyped-decorator]
def _wake(handle: int, poll_code: int) -> None:
    loop, future = _ffi._UniffiContinuationHandleMap.remove(handle)
    # A loop that is closed has no task any more that could wait.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(_ffi._uniffi_set_future_result, future, poll_code)


# Looked up each time it is handed to Rust.
_ffi._uniffi_continuation_callback = _wake
