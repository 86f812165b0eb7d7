"""Tokens of a short text, one after the other: what both parsers of the language stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re


class UnexpectedTokenError(Exception):
    """What stands at `at` fits none of the tokens that may follow; `word` is empty at the text's end."""

    def __init__(self, at: int, word: str) -> None:
        super().__init__(word)
        self.at = at
        self.word = word


class Scanner:
    """A text and how far it is read: `at` is where the next token begins, `end` where the last one ended.

    `tokens` are tried in their order to name what stands where nothing that is allowed fits.
    """

    __slots__ = ("at", "end", "text", "tokens")

    def __init__(self, text: str, tokens: tuple[re.Pattern[str], ...]) -> None:
        self.text = text
        self.tokens = tokens
        self.end = 0
        self.at = 0
        self._blanks()

    def _blanks(self) -> None:
        text, at = self.text, self.end
        while at < len(text) and text[at].isspace():
            at += 1
        self.at = at

    def take(self, token: re.Pattern[str]) -> str:
        """The next token where it is a `token`, which is then read; empty where it is not."""
        match = token.match(self.text, self.at)
        if match is None:
            return ""
        self.end = match.end()
        self._blanks()
        return match[0]

    def sign(self, sign: str) -> bool:
        """Whether the next token is `sign`, which is then read."""
        if not self.text.startswith(sign, self.at):
            return False
        self.end = self.at + len(sign)
        self._blanks()
        return True

    def expect(self, sign: str) -> None:
        """Read `sign`. Raises `UnexpectedTokenError` where something else stands there."""
        if not self.sign(sign):
            raise self.unexpected()

    def finish(self) -> None:
        """Raise `UnexpectedTokenError` where anything is left."""
        if self.at < len(self.text):
            raise self.unexpected()

    def unexpected(self) -> UnexpectedTokenError:
        """The error for what stands at `at`: a token out of place, or a character that begins none."""
        for token in self.tokens:
            if match := token.match(self.text, self.at):
                return UnexpectedTokenError(self.at, match[0])
        return UnexpectedTokenError(self.at, self.text[self.at : self.at + 1])
