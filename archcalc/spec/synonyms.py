"""What the field calls things, and how a document writes them: `fc` is `linear`, `swish` is `silu`.

A near spelling is no help where another word is meant: `ln` is not `lrn`, and `deconv` no `dwconv`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection


class _Concept(NamedTuple):
    """What some words stand for, the op, join or shortcut that it takes, and how a document writes it."""

    meaning: str
    op: str
    written: str
    words: str


_ACTIVATION: Final = "this activation"
_CONCEPTS: Final = (
    _Concept("a convolution", "conv", "conv 3x3 64", "convolution conv2d convolutional pointwise pwconv"),
    _Concept("a depthwise convolution", "dwconv", "dwconv 3x3", "depthwise depthwiseconv depthwiseconv2d dw"),
    _Concept(
        "a separable convolution",
        "dwconv",
        "dwconv 3x3 > conv 1x1 64",
        "separable separableconv separableconv2d sepconv dsconv",
    ),
    _Concept(
        "a transposed convolution",
        "upconv",
        "upconv 2x2/2 64",
        "deconv deconvolution convtranspose convtranspose2d conv2dtranspose transposedconv transposeconv",
    ),
    _Concept("a convolution over sequences", "conv1d", "conv1d 3 64", "conv1d temporalconv"),
    _Concept("a convolution over volumes", "conv3d", "conv3d 3 64", "conv3d"),
    _Concept("a fully connected layer", "linear", "linear 1000", "fc fullyconnected dense innerproduct gemm"),
    _Concept("batch normalisation", "bn", "bn", "batchnorm batchnorm2d batchnormalization"),
    _Concept("layer normalisation", "ln", "ln", "ln layernorm layernormalization layernormalisation"),
    _Concept("RMS normalisation", "rms", "rms", "rms rmsnorm"),
    _Concept("group normalisation", "gn", "gn", "gn groupnorm groupnormalization groupnormalisation"),
    _Concept("instance normalisation", "instancenorm", "instancenorm", "instancenorm instancenormalization"),
    _Concept("local response normalisation", "lrn", "lrn", "localresponsenorm localresponsenormalization"),
    _Concept("pooling by the maximum", "maxpool", "maxpool 3x3/2", "maxpool2d maxpooling maxpooling2d"),
    _Concept(
        "pooling by the mean",
        "avgpool",
        "avgpool 2x2/2",
        "avgpool2d avgpooling avepool averagepool averagepooling averagepooling2d meanpool",
    ),
    _Concept(
        "pooling over the grid",
        "avgpool",
        "avgpool global",
        "gap globalpool globalavgpool globalaveragepool globalaveragepooling globalaveragepooling2d",
    ),
    _Concept(_ACTIVATION, "silu", "silu", "swish"),
    _Concept(_ACTIVATION, "hardswish", "hardswish", "hswish"),
    _Concept(_ACTIVATION, "hardsigmoid", "hardsigmoid", "hsigmoid"),
    _Concept(_ACTIVATION, "leakyrelu", "leakyrelu", "lrelu leaky"),
    _Concept(_ACTIVATION, "mish", "mish", "mish"),
    _Concept(_ACTIVATION, "elu", "elu", "elu selu celu"),
    _Concept("an activation (by its own name)", "relu", "relu", "activation act nonlinearity"),
    _Concept("a join along the channels", "concat", "concat[ … | … ]", "cat concatenate concatenation"),
    _Concept("a sum of branches", "add", "add[ … | … ]", "sum plus eltwise addition"),
    _Concept("a residual connection", "add", "add[ … | skip ]", "residual shortcut resblock residualblock"),
    _Concept("a product of branches", "multiply", "multiply[ … | … ]", "mul product gate"),
    _Concept("what comes in, unchanged,", "pass", "pass", "identity id none noop nop"),
    _Concept("a channel shuffle", "shuffle", "shuffle groups=2", "channelshuffle"),
    _Concept("a view as one row of features", "flatten", "flatten", "reshape view vectorize"),
    _Concept(
        "squeeze and excitation",
        "multiply",
        "multiply[ skip | avgpool global > linear {r} relu > linear {c} sigmoid ]",
        "se squeeze squeezeexcite squeezeexcitation squeezeandexcitation excitation",
    ),
    _Concept(
        "attention",
        "attend",
        "attend[ … | … | … ] heads=8",
        "attention attn mha msa selfattention multihead multiheadattention multiheadselfattention",
    ),
    _Concept("an embedding", "embed", "embed 50257 768", "embedding embeddings tokenembedding wordembedding"),
    _Concept("a position embedding", "position", "position", "positionembedding positionalencoding posembed"),
    _Concept(
        "upsampling",
        "upsample",
        "upsample 2",
        "upsample upsampling upsampling2d interpolate resize bilinear unpool",
    ),
    _Concept("space to depth", "unshuffle", "unshuffle 2", "spacetodepth pixelunshuffle focus"),
    _Concept("depth to space", "pixelshuffle", "pixelshuffle 2", "depthtospace pixelshuffle subpixel"),
    _Concept("a recurrent layer", "lstm", "lstm 512", "lstm gru rnn recurrent bilstm"),
)

_BY_WORD: Final = {word: concept for concept in _CONCEPTS for word in concept.words.split()}

_STRIDE: Final = "a stride stands behind the kernel: `conv 3x3/2 64`"
_KERNEL: Final = "a kernel stands behind the op: `conv 3x3 64`"
_CHANNELS: Final = "channels stand behind the kernel: `conv 3x3 64`"
#: What other tools call what stands behind an op.
_BEHIND: Final = {
    "stride": _STRIDE,
    "strides": _STRIDE,
    "kernel": _KERNEL,
    "kernelsize": _KERNEL,
    "channels": _CHANNELS,
    "filters": _CHANNELS,
    "padding": "padding is written `same`, `valid` or `pad=1`",
    "group": "groups are written `groups=2`",
    "dilated": "dilation is written `dilation=2`",
    "usebias": "a bias is written `bias`, its absence `nobias`",
    "ceilmode": "torch's ceil mode is written `ceil`",
}


def _letters(word: str) -> str:
    return re.sub(r"[^a-z0-9]", "", word.casefold())


def written_as(word: str, known: Collection[str]) -> str:
    """How a document writes a word of the field, of whose ops, joins and shortcuts these are `known`.

    Says so where there is no op for it; empty where the word is not known here.
    """
    concept = _BY_WORD.get(_letters(word))
    if concept is None:
        return ""
    if concept.op in known:
        return f"{concept.meaning} is written `{concept.written}`"
    return f"there is no op for {concept.meaning}; the ops are: " + ", ".join(known)


def op_called(word: str, known: Collection[str]) -> str:
    """Which of the `known` ops a word of the field means; empty where the word is not known here."""
    concept = _BY_WORD.get(_letters(word))
    if concept is None or concept.op not in known:
        return written_as(word, known)
    return f"{concept.meaning} is called `{concept.op}`"


def flag_written_as(word: str, known: Collection[str]) -> str:
    """How a document writes what other tools put behind a layer, where these flags are `known`.

    Empty where the word is not known here.
    """
    concept = _BY_WORD.get(_letters(word))
    if concept is not None and concept.op in known:
        return f"{concept.meaning} is written `{concept.written}`"
    return _BEHIND.get(_letters(word), "")
