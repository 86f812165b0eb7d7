"""Both hand-written parsers against the language's grammars, which lark reads and parses by its own tables.

The grammars stand here in lark's notation. Texts are drawn so that most are nearly right: the same are
accepted, with the same tree and the same places, and the others are refused at the same character.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from archcalc.errors import Span, SpecError
from archcalc.spec import arithmetic_parser, grammar
from archcalc.spec.arithmetic import Binary, FunctionCall, Literal, Name, Reference, Value
from archcalc.spec.scanner import UnexpectedTokenError
from archcalc.spec.sizes import SizeWord
from archcalc.spec.source import SourceText
from archcalc.spec.syntax import BlockCall, Chain, Join, Layer, LayerFlag, Repeat

lark = pytest.importorskip("lark")

ARITHMETIC = r"""
start: compare
?compare: sum (COMPARE sum)?
?sum: product | sum ADD product
?product: unary | product MUL unary
?unary: "-" unary -> negative | atom
?atom: NUMBER -> number
     | FUNCTION "(" compare ("," compare)* ")" -> call
     | REFERENCE -> reference
     | NAME -> name
     | QUOTED -> quoted
     | "(" compare ")"
COMPARE: "<=" | ">=" | "==" | "!=" | "<" | ">"
ADD: "+" | "-"
MUL: "*" | "//" | "/" | "%"
NUMBER: /[0-9]{1,15}(\.[0-9]{1,9})?([eE][0-9]{1,2})?(?![\w#.])/
FUNCTION.3: /(min|max|ceil|floor|round|divisible|where)(?=\s*\()/
REFERENCE.2: /[a-z_]+\((?:[^()]|\([^()]*\))*\)/
NAME.1: /[A-Za-z_#][\w#]*( +[\w#]+)*/
QUOTED: /"[^"]*"/
%ignore /\s+/
"""

EXPRESSIONS = r"""
start: chain
chain: item (">" item)*
?item: repeat | atom
repeat: SIZE TIMES atom
?atom: join | group | call | layer
join: JOIN "[" chain ("|" chain)* "]"
group: "(" chain ")"
call: CALL "(" argument* ")"
argument: NAME "=" values
layer: NAME word*
?word: size | flag
size: SIZE
flag: NAME ("=" values)?
values: SIZE ("," SIZE)*
TIMES: "x"
SIZE.2: (DECIMAL | PART) ("x" PART)* ("/" PART ("x" PART)?)?
PART: /([0-9]+|\{[^{}\n]*\})/
DECIMAL: /[0-9]+\.[0-9]+/
JOIN.4: /[A-Za-z_][\w-]*(?=\s*\[)/
CALL.3: /[A-Za-z_][\w-]*(?=\()/
NAME.1: /[A-Za-z_][\w-]*/
%ignore /\s+/
"""

_arithmetic = lark.Lark(ARITHMETIC, parser="lalr", propagate_positions=True)
_expressions = lark.Lark(EXPRESSIONS, parser="lalr", propagate_positions=True)


def refused(text: str, fault: Any) -> tuple[str, int]:
    """Where lark stopped; at the end of the text for whatever is missing there."""
    at = fault.pos_in_stream
    token = getattr(fault, "token", None)
    ended = at is None or at >= len(text) or (token is not None and token.type == "$END")
    return "refused", len(text.rstrip()) if ended else at


def by_lark(parser: Any, text: str) -> Any:
    try:
        return parser.parse(text).children[0]
    except lark.exceptions.UnexpectedInput as fault:
        return refused(text, fault)


# -- arithmetic ----------------------------------------------------------------------------------------


def arithmetic_tree(node: Any) -> Any:
    """lark's tree as nested tuples: what stands there, and where it begins and ends."""
    place = (node.meta.start_pos, node.meta.end_pos)
    children = node.children
    if node.data in ("number", "name", "quoted", "reference"):
        return str(children[0]).strip('"').replace(" ", ""), place
    if node.data == "call":
        return str(children[0]), tuple(arithmetic_tree(c) for c in children[1:]), place
    if node.data == "negative":
        return "-", ("0", place), arithmetic_tree(children[0]), place
    return str(children[1]), arithmetic_tree(children[0]), arithmetic_tree(children[2]), place


def value_tree(value: Value, text: str) -> Any:
    place = (value.span.start, value.span.end)
    if isinstance(value, FunctionCall):
        return value.function, tuple(value_tree(a, text) for a in value.arguments), place
    if isinstance(value, Binary):
        return value.operator, value_tree(value.left, text), value_tree(value.right, text), place
    if isinstance(value, Name):
        return value.name.replace(" ", ""), place
    if isinstance(value, Reference):
        return text[slice(*place)].replace(" ", ""), place
    assert isinstance(value, Literal)
    written = text[slice(*place)]
    if written.startswith("-"):  # the 0 from which a sign subtracts
        return "0", place
    return written, place


_TOKENS = st.sampled_from(
    ["1", "64", "1.5", "2e3", "a", "#1x1", "in", '"a-b"', "max(", "floor(", "(", ")", ",", "+", "-",
     "*", "/", "//", "%", "<", "<=", "==", "!=", "=", "params(a)", "max", "x", "é", "$", "2x", "[",
     "pool proj", "min (", "macs(a, row=b (c))", " ", "\n"],
)  # fmt: skip
_value = st.sampled_from(["1", "64", "1.5", "a", "in", '"a-b"', "params(a)", "pool proj", "-3", "- -a"])
_formula = st.recursive(
    _value,
    lambda inner: st.one_of(
        st.builds(lambda a, op, b: f"{a}{op}{b}", inner, st.sampled_from([*"+-*/%", " // ", " < "]), inner),
        st.builds(lambda a: f"({a})", inner),
        st.builds(lambda a: f"-{a}", inner),
        st.builds(lambda a, b: f"max( {a}, {b})", inner, inner),
    ),
    max_leaves=6,
)
_nearly_formulas = st.builds(
    lambda text, at, token: text[: at % (len(text) + 1)] + token + text[at % (len(text) + 1) :],
    _formula,
    st.integers(0, 99),
    _TOKENS,
)


@settings(max_examples=400)
@given(st.one_of(_formula, _nearly_formulas, st.lists(_TOKENS, min_size=1, max_size=8).map("".join)))
@example("a < b < c")
@example("(a + b) * -c")
def test_arithmetic_is_parsed_as_its_grammar_says(text: str) -> None:
    expected = by_lark(_arithmetic, text)
    parser = arithmetic_parser._Parser(text, Span("t", 1, 0, len(text), text))
    try:
        result = value_tree(parser.value(), text)
    except SpecError:  # a function with too few or too many values, which no grammar counts
        assume(False)
    except UnexpectedTokenError as fault:
        result = ("refused", len(text.rstrip()) if not fault.word else fault.at)
    assert result == (expected if isinstance(expected, tuple) else arithmetic_tree(expected))


# -- expressions ---------------------------------------------------------------------------------------


def place_of(node: Any) -> tuple[int, int]:
    return node.meta.start_pos, node.meta.end_pos


def expression_tree(node: Any) -> Any:
    children = node.children
    if node.data == "chain":
        return "chain", tuple(expression_tree(c) for c in children), place_of(node)
    if node.data == "repeat":
        return str(children[0]), "x", expression_tree(children[2]), place_of(node)
    if node.data == "group":
        return expression_tree(children[0])
    token = children[0]
    spot = (token.start_pos, token.end_pos)
    if node.data == "join":
        return str(token), tuple(expression_tree(c) for c in children[1:]), spot
    if node.data == "call":
        return f"{token}()", tuple(flag_tree(c) for c in children[1:]), spot
    sizes = tuple(str(w.children[0]) for w in children[1:] if w.data == "size")
    flags = tuple(flag_tree(w) for w in children[1:] if w.data == "flag")
    return str(token), sizes, flags, place_of(node), spot


def flag_tree(node: Any) -> Any:
    name, *rest = node.children
    return str(name), tuple(str(v) for v in rest[0].children) if rest else (), place_of(node)


def parsed_tree(node: Any) -> Any:
    place = (node.span.start, node.span.end)
    if isinstance(node, Chain):
        return "chain", tuple(parsed_tree(i) for i in node.items), place
    if isinstance(node, Repeat):
        return node.count.text, "x", parsed_tree(node.body), place
    if isinstance(node, Join):
        return node.kind, tuple(parsed_tree(b) for b in node.branches), place
    if isinstance(node, BlockCall):
        return f"{node.name}()", tuple(parsed_tree(a) for a in node.arguments), place
    if isinstance(node, LayerFlag):
        return node.name, tuple(texts(node.values)), place
    assert isinstance(node, Layer)
    spot = (node.name_span.start, node.name_span.end)
    return node.name, tuple(texts(node.sizes)), tuple(parsed_tree(f) for f in node.flags), place, spot


def texts(words: tuple[SizeWord, ...]) -> list[str]:
    return [word.text for word in words]


_PIECES = st.sampled_from(
    ["conv", "3x3", "3x3/2", "{k}/{s}", "64", "1.5", "same", "pad=1", "f(", "a=1", "b={c},2", "(", ")",
     "[", "]", "concat[", "|", ">", "x", "{n}x", "add [", "3 x", "=", ",", "/", "{", "}", " ", "é",
     "$", "x7", "skip"],
)  # fmt: skip
_layer = st.sampled_from(
    [
        "conv 3x3/2 64 same",
        "relu",
        "skip",
        "conv {k}/{s} {c} pad=1x2",
        "f(a=1 b={c},2)",
        "f()",
        "maps maps=0,1",
    ]
)
_expression = st.recursive(
    _layer,
    lambda inner: st.one_of(
        st.builds(lambda a, b: f"{a} > {b}", inner, inner),
        st.builds(lambda a, b: f"concat[ {a} | {b} ]", inner, inner),
        st.builds(lambda a: f"({a})", inner),
        st.builds(lambda n, a: f"{n} x ({a})", st.sampled_from(["3", "{n}"]), inner),
    ),
    max_leaves=6,
)
_nearly_expressions = st.builds(
    lambda text, at, piece: text[: at % (len(text) + 1)] + piece + text[at % (len(text) + 1) :],
    _expression,
    st.integers(0, 200),
    _PIECES,
)


@settings(max_examples=400)
@given(st.one_of(_expression, _nearly_expressions, st.lists(_PIECES, min_size=1, max_size=10).map(" ".join)))
@example("3x conv 1x1 8 > 2 x (conv 1x1 8 | relu)")
@example("3 x 3 x conv")
@example("conv concat[ a ]")
def test_expressions_are_parsed_as_their_grammar_says(text: str) -> None:
    expected = by_lark(_expressions, text)
    source = SourceText("t", 1, 0, (text,), (text,))
    try:
        result = parsed_tree(grammar._Parser(source, text).expression())
    except SpecError:  # what stands in braces is not arithmetic: the other test's concern
        assume(False)
    except UnexpectedTokenError as fault:
        result = ("refused", len(text.rstrip()) if not fault.word else fault.at)
    assert result == (expected if isinstance(expected, tuple) else expression_tree(expected))
