"""The words that belong to the code alone, and what is said instead."""

import re

# Each word that no page or message shows, as a pattern: the code's name, and what is said instead.
INTERNAL = {
    "claim": (r"\b(un|re)?claim(s|ed|ing)?\b", "what is being sent or done"),
    "segment": (r"\bsegments?\b", "part of a visit"),
    "modality": (r"\bmodalit(y|ies)\b", "treatment"),
    "override": (r"\bover(rid(e|es|ing|den)|rode)\b", "allow anyway"),
    "finding": (r"\bfindings?\b", "safety check"),
    "contraindication": (r"\bcontra-?indicat\w+", "reason not to treat"),
    "wash-out": (r"\bwash-?outs?\b", "wait until"),
    "window": (r"\bwindows?\b", "best between … and …"),
    "re-flow": (r"\bre-?flow(s|ed|ing)?\b", "adjust later visits"),
    # "On hold" and "hold the area still" are English; a hold of a time is ours.
    "hold": (r"\b(a|the|this|your) hold\b|\bholds (the )?(practitioner|room|device)\b|\bheld until\b", "kept until"),
    "doubtful": (r"\bdoubtful\b", "may not have arrived"),
    "entered in error": (r"\bentered[ -]in[ -]error\b", "booked by mistake"),
    "needs outcome": (r"\bneeds[ -](an )?outcome\b", "how did it end?"),
    "queryset": (r"\bquery ?sets?\b", ""),
    "null": (r"\bnull\b", "not known"),
    "traceback": (r"\b[Tt]raceback\b|\b[A-Z]\w*Error\b|\bDoesNotExist\b", ""),
    "a code": (r"(?<![\w@./{-])(?<!manage\.py )[a-z]+(_[a-z0-9]+)+(?![\w@}])", "its label"),
    "a key": (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "its name"),
    "an object": (r"\bobject \(\d+\)|<\w+: ", "its name"),
    # Bare values: a whole piece of text, or one after a colon.
    "severity": (r"^(stop|warn|advise)$", "not now / a clinician decides / good to know"),
    "None": (r"^None$|[:(·] None\b", "–"),
    "true or false": (r"^(True|False|true|false)$|[:(·] (True|False)\b", "yes or no"),
}  # fmt: skip
CASED = {"None", "true or false", "a code", "traceback"}
PATTERNS = {name: re.compile(pattern, 0 if name in CASED else re.IGNORECASE) for name, (pattern, _) in INTERNAL.items()}


def internal_words(text: str) -> list[str]:
    """The words of the code in one piece of text, each with the name of the rule."""
    piece = " ".join(text.split())
    return [f"{name}: {found[0]!r}" for name, rule in PATTERNS.items() if (found := rule.search(piece))]
