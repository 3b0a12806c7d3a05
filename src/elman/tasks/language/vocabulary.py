"""What a language model learns of its data before there is a model, as a folder keeps it."""

import binascii
from base64 import b64decode
from dataclasses import dataclass
from typing import Annotated, Literal

from elman.data.plain import Distinct, Size
from elman.errors import ElmanError


@dataclass(frozen=True)
class Vocabulary:
    """The tokens, the speakers of a dialogue, and of strings what they are and which are known."""

    tokens: Literal["bytes", "characters", "subwords"]
    characters: Annotated[str, Distinct()] = ""
    model: str = ""
    form: Literal["text", "strings"] = "text"
    speakers: Annotated[tuple[str, ...], Distinct()] = ()
    parted: bool = False
    molecules: bool = False
    longest: Size = 1
    known: str = ""

    def __post_init__(self) -> None:
        if list(self.characters) != sorted(self.characters) or ("\n" in self.characters) != (
            self.tokens == "characters"
        ):
            raise ElmanError("characters are not in order, or lack the end of a line")
        if len(self.speakers) == 1 or not all(self.speakers):
            raise ElmanError("speakers are none, or two or more with a name")
        try:
            whole = len(b64decode(self.known, validate=True)) % 8 == 0
        except binascii.Error:
            whole = False
        if not whole:
            raise ElmanError("known is not what tells strings from others")
