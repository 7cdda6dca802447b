"""Where the product's texts are written: what of a template or a module a translator can reach, and what not."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from django.conf import settings
from django.template.base import Lexer, TokenType

APPS = ("patients", "treatments", "clinic")
GETTEXT = {"_", "_lazy", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"}
LETTERS = re.compile(r"[^\W\d_]{2}")

# -- Templates ---------------------------------------------------------------------------------------------------------

TEMPLATES = sorted(path for path in (settings.BASE_DIR / "templates").rglob("*.*") if path.suffix in (".html", ".txt"))
SPOKEN_ATTRIBUTES = {
    "title", "alt", "placeholder", "aria-label", "aria-description", "aria-roledescription", "aria-valuetext",
    "data-label", "data-problem", "data-offline", "data-signed-out", "label",
}  # fmt: skip
SPOKEN_PARAMETERS = re.compile(
    r"\b(?:title|text|label|action|why|todo|heading|word|caption|message|reason)=(\"[^\"]*\"|'[^']*')"
)
SPOKEN_FILTERS = re.compile(r"\|(?:default|default_if_none|yesno|add|pluralize):(\"[^\"]*\"|'[^']*')")
NAMES = {"Cadence", "UTC", "Ada Quill", "Bo Vane", "Dr Bell", "Dr Crane"}
HOLE = "￼"
TRANSLATED = re.compile(r"^(?:translate|trans)\s+(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')")
LITERAL = re.compile(r"_\((\"[^\"]*\"|'[^']*')\)")


class _Spoken(HTMLParser):
    """Collects text and spoken attributes of markup whose template tags are holes."""

    SILENT = {"script", "style", "kbd", "code"}

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        if tag in self.SILENT:
            self.inside.append(tag)
        pressed = tag == "input" and dict(attrs).get("type") in ("submit", "button", "reset")
        spoken = SPOKEN_ATTRIBUTES | ({"value"} if pressed else set())
        self.found += [value for name, value in attrs if name in spoken and value]

    def handle_endtag(self, tag: str) -> None:
        if self.inside and tag == self.inside[-1]:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.found.append(data)


def untranslated_in_template(source: str, *, is_markup: bool = True) -> list[str]:
    """Texts of a template that a translator would never see."""
    bare, found = [], []
    for token in _outside_translations(source):
        if token.token_type == TokenType.TEXT:
            bare.append(token.contents)
        else:
            bare.append(HOLE if token.token_type == TokenType.VAR else "")
            found += [text for text in SPOKEN_FILTERS.findall(token.contents) if " " in text or text[1:2].isupper()]
            if token.contents.startswith(("include ", "with ")):
                found += SPOKEN_PARAMETERS.findall(token.contents)
    if is_markup:
        parser = _Spoken()
        parser.feed("".join(bare))
        parser.close()
        found += parser.found
    else:
        found += "".join(bare).splitlines()
    texts = (re.sub(rf"[{HOLE}\s]+", " ", text).strip(" \"'·") for text in found)
    return [text for text in texts if LETTERS.search(text) and text not in NAMES]


def translated_in_template(source: str) -> list[str]:
    """Texts of a template that go through gettext."""
    texts, inside = [], None
    for token in Lexer(source).tokenize():
        words = token.contents.split()
        if token.token_type == TokenType.BLOCK and words[0] in ("blocktranslate", "blocktrans"):
            inside = []
        elif token.token_type == TokenType.BLOCK and words[0] in ("endblocktranslate", "endblocktrans"):
            texts.append("".join(inside))
            inside = None
        elif inside is not None:
            inside.append(token.contents if token.token_type == TokenType.TEXT else HOLE)
        elif token.token_type == TokenType.BLOCK and (literal := TRANSLATED.match(token.contents)):
            texts.append(literal[1][1:-1])
        elif token.token_type in (TokenType.BLOCK, TokenType.VAR):
            texts += [literal[1:-1] for literal in LITERAL.findall(token.contents)]
    return texts


def _outside_translations(source: str) -> Iterator:
    closing = None
    for token in Lexer(source).tokenize():
        word = token.contents.split()[0] if token.token_type == TokenType.BLOCK else ""
        if closing:
            closing = None if word == closing else closing
        elif word in ("blocktranslate", "blocktrans", "comment"):
            closing = f"end{word}"
        elif word == "block" and token.contents.split()[1].endswith("class"):
            closing = "endblock"
        elif token.token_type != TokenType.COMMENT:
            yield token


# -- Python ------------------------------------------------------------------------------------------------------------

MODULES = sorted(
    path
    for app in APPS
    for path in (settings.BASE_DIR / app).rglob("*.py")
    if not {"migrations", "management", "demo"} & set(path.parts)
    and path.name not in ("settings.py", "celery.py", "wsgi.py")
)
SPOKEN_KEYWORDS = {
    "verbose_name", "verbose_name_plural", "help_text", "label", "empty_label", "empty", "description",
    "short_description", "violation_error_message", "message", "title", "site_header", "site_title", "index_title",
    "empty_value_display",
}  # fmt: skip
SPOKEN_CALLS = {
    "ValidationError", "Refused", "Taken", "Conflict", "PermissionDenied", "success", "error", "info", "warning",
    "add_message", "add_error", "message_user",
}  # fmt: skip
# What only the people who run or change the software read; so are all errors but those of `SPOKEN_CALLS`.
SILENT_CALLS = {
    "ImproperlyConfigured", "DemoInProduction", "getLogger", "get_logger", "debug", "exception", "critical", "Trigger",
    "Incomplete", "Func", "JoinedRows", "Prepared", "PreparedInsert", "PreparedInsertOfWholes",
    "PreparedRows", "PreparedTogether", "RunSQL",
    "execute", "compile", "sub", "split", "strftime", "date_format",
}  # fmt: skip
KEY = re.compile(r"^[a-z_]+\.[a-z_]+$")
PROSE = re.compile(r"^[A-Z“][^\W\d_]*[’',]?\s+\S*[a-z]")


def untranslated_in_python(source: str) -> list[str]:
    """Literals that a user would read and a translator would not: in the places known to be shown, and any prose."""
    visitor = _Literals()
    visitor.visit(ast.parse(source))
    return visitor.found


def translated_in_python(source: str) -> list[str]:
    """Literals that go through gettext."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and _name(node) in GETTEXT]
    return [argument.value for call in calls for argument in call.args if _is_text(argument)]


class _Literals(ast.NodeVisitor):
    def __init__(self) -> None:
        self.found: list[str] = []

    def visit_Call(self, node: ast.Call) -> None:
        name = _name(node)
        if name in GETTEXT:
            self.found += [ast.unparse(part) for part in node.args if isinstance(part, ast.JoinedStr)]
            return
        if name in SILENT_CALLS or (name.endswith("Error") and name not in SPOKEN_CALLS):
            return
        self.found += [text for part in node.args[:3] if name in SPOKEN_CALLS for text in _texts(part) if " " in text]
        for keyword in node.keywords:
            self._look_at(keyword.arg, keyword.value)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self._look_at(getattr(target, "id", getattr(target, "attr", None)), node.value)
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        if any(
            getattr(base, "attr", getattr(base, "id", "")) in ("TextChoices", "IntegerChoices") for base in node.bases
        ):
            self.found += [f"{node.name}: {text}" for line in node.body for text in _label(line)]
        self._skip_docstring(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._skip_docstring(node)

    def visit_Module(self, node: ast.Module) -> None:
        self._skip_docstring(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and PROSE.search(node.value) and node.value not in self.found:
            self.found.append(node.value)

    def _look_at(self, name: str | None, value: ast.expr) -> None:
        if name in SPOKEN_KEYWORDS:
            self.found += [text for text in _texts(value) if LETTERS.search(text) and not KEY.match(text)]
        elif name in ("choices", "error_messages"):
            self.found += [text for pair in ast.walk(value) for text in _labels_of(pair)]

    def _skip_docstring(self, node: ast.Module | ast.ClassDef | ast.FunctionDef) -> None:
        for child in node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body:
            self.visit(child)
        for child in [*getattr(node, "decorator_list", []), getattr(node, "args", None)]:
            if child is not None:
                self.visit(child)


def _name(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _texts(node: ast.expr) -> list[str]:
    """The literals that this expression may become; a translated one is none."""
    if _is_text(node):
        return [node.value] if node.value else []
    if isinstance(node, ast.JoinedStr):
        return [ast.unparse(node)] if any(_is_text(part) and LETTERS.search(part.value) for part in node.values) else []
    if isinstance(node, ast.IfExp):
        return _texts(node.body) + _texts(node.orelse)
    if isinstance(node, ast.BinOp):
        return _texts(node.left)
    return [text for part in node.elts for text in _texts(part)] if isinstance(node, (ast.List, ast.Tuple)) else []


def _labels_of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Tuple) and len(node.elts) == 2:
        return [text for text in _texts(node.elts[1]) if LETTERS.search(text)]
    return [text for value in node.values for text in _texts(value)] if isinstance(node, ast.Dict) else []


def _label(line: ast.stmt) -> list[str]:
    """The label of a choice that nobody can translate: a literal, or one that Django makes from its name."""
    if not isinstance(line, ast.Assign) or not all(isinstance(one, ast.Name) for one in line.targets):
        return []
    if isinstance(line.value, ast.Tuple):
        return [text for text in _texts(line.value.elts[-1]) if LETTERS.search(text)]
    return _texts(line.value)


def relative(path: Path) -> str:
    """The path as people say it."""
    return path.relative_to(settings.BASE_DIR).as_posix()
