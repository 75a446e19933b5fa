"""What a person can cause, each with a sentence for them. Anything else that goes wrong raises and is logged."""

from django.utils.functional import Promise


class Refused(Exception):
    """A verb was refused. `sentence` says why and what to do; portal, admin and API show it as it is."""

    def __init__(self, sentence: str | Promise, *, code: str = "refused") -> None:
        super().__init__(str(sentence))
        self.sentence = sentence
        self.code = code


class NotAllowed(Refused):
    """The actor has no right to this verb."""

    def __init__(self, sentence: str | Promise) -> None:
        super().__init__(sentence, code="not_allowed")
