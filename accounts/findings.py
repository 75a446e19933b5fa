"""What a test of something that a desk has set up says, step by step."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What was looked at, whether it is as it should be, and a sentence about it."""

    what: str
    ok: bool
    words: str
