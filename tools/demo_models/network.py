"""The network: a llama in PyTorch, as the GGUF architecture `llama` has it.

Norms inside have no weights of their own (they are written as ones: the matrix behind could hold them), and only the
last one has, which scales the logits. Keys and queries rotate in halves here; gguf_file.py reorders them.
"""
import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

NORM_EPS = 1e-5
ROPE_BASE = 10000.0
HEAD_SIZE = 32


@dataclass
class Shape:
    width: int
    layers: int
    heads: int
    kv_heads: int
    hidden: int
    context: int = 1024
    vocab: int = 768


SHAPES = {
    's0': Shape(width=64, layers=3, heads=2, kv_heads=1, hidden=192),  # what S and M grow from
    's': Shape(width=64, layers=3, heads=4, kv_heads=2, hidden=192),
    'm': Shape(width=128, layers=6, heads=4, kv_heads=2, hidden=384),
    'l': Shape(width=256, layers=6, heads=8, kv_heads=4, hidden=768),
}


class Norm(torch.autograd.Function):
    """x over its root mean square; derived by hand, in fewer passes over memory than automatically."""

    @staticmethod
    def forward(ctx, x):
        inverse = torch.rsqrt(torch.linalg.vector_norm(x, dim=-1, keepdim=True).square() / x.shape[-1] + NORM_EPS)
        y = x * inverse
        ctx.save_for_backward(y, inverse)
        return y

    @staticmethod
    def backward(ctx, grad):
        y, inverse = ctx.saved_tensors
        along = (grad * y).mean(-1, keepdim=True)
        return torch.addcmul(grad, y, along, value=-1).mul_(inverse)


norm = Norm.apply


def rotate(x, cos, sin):  # (batch, heads, tokens, HEAD_SIZE)
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), -1)


class Layer(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        attended = shape.heads * HEAD_SIZE
        self.q = self.matrix(attended, shape.width)
        self.k = self.matrix(shape.kv_heads * HEAD_SIZE, shape.width)
        self.v = self.matrix(shape.kv_heads * HEAD_SIZE, shape.width)
        self.o = self.matrix(shape.width, attended, scale=0.3)
        self.gate = self.matrix(shape.hidden, shape.width)
        self.up = self.matrix(shape.hidden, shape.width)
        self.down = self.matrix(shape.width, shape.hidden, scale=0.3)

    @staticmethod
    def matrix(rows, columns, scale=1.0):
        return nn.Parameter(torch.randn(rows, columns) * scale / math.sqrt(columns))

    def forward(self, x, cos, sin, mask, cache=None):
        batch, tokens, _ = x.shape
        s = self.shape
        group = s.heads // s.kv_heads
        h = norm(x)
        q = rotate(F.linear(h, self.q).view(batch, tokens, s.heads, HEAD_SIZE).transpose(1, 2), cos, sin)
        k = rotate(F.linear(h, self.k).view(batch, tokens, s.kv_heads, HEAD_SIZE).transpose(1, 2), cos, sin)
        v = F.linear(h, self.v).view(batch, tokens, s.kv_heads, HEAD_SIZE).transpose(1, 2)
        if cache is not None:
            if cache:
                k, v = torch.cat((cache[0], k), 2), torch.cat((cache[1], v), 2)
            cache[:] = [k, v]
        q = q.reshape(batch, s.kv_heads, group * tokens, HEAD_SIZE)
        keys = k.shape[2]
        scores = torch.baddbmm(mask.repeat(group, 1), q.reshape(-1, group * tokens, HEAD_SIZE),
                               k.reshape(-1, keys, HEAD_SIZE).transpose(1, 2), alpha=HEAD_SIZE ** -0.5)
        seen = torch.bmm(torch.softmax(scores, -1), v.reshape(-1, keys, HEAD_SIZE))  # (batch * kv heads, group * tokens, ..)
        seen = seen.view(batch, s.heads, tokens, HEAD_SIZE).transpose(1, 2).reshape(batch, tokens, -1)
        x = x + F.linear(seen, self.o)
        h = norm(x)
        return x + F.linear(F.silu(F.linear(h, self.gate)) * F.linear(h, self.up), self.down)


class Network(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.embed = nn.Parameter(torch.randn(shape.vocab, shape.width) * 0.05)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.scale = nn.Parameter(torch.ones(shape.width))
        angles = torch.outer(torch.arange(shape.context).float(),
                             ROPE_BASE ** (-torch.arange(0, HEAD_SIZE, 2).float() / HEAD_SIZE))
        self.register_buffer('cos', angles.cos(), persistent=False)
        self.register_buffer('sin', angles.sin(), persistent=False)

    def behind_layers(self, tokens, caches=None):
        """The values behind each layer: (batch, tokens, width)."""
        past = caches[0][0].shape[2] if caches and caches[0] else 0
        here = tokens.shape[1]
        mask = torch.full((here, past + here), -math.inf, device=tokens.device).triu(past + 1)
        cos, sin = self.cos[past:past + here], self.sin[past:past + here]
        x = self.embed[tokens]
        for i, layer in enumerate(self.layers):
            x = layer(x, cos, sin, mask, caches[i] if caches else None)
            yield x

    def features(self, tokens, caches=None):
        """What is before the last matrix: (batch, tokens, width)."""
        *_, last = self.behind_layers(tokens, caches)
        return norm(last) * self.scale

    def logits(self, features):
        return F.linear(features, self.embed)

    @torch.no_grad()
    def greedy(self, prompt, end, most):
        """The likeliest continuation of a list of tokens, without `end`."""
        caches = [[] for _ in self.layers]
        out, feed = [], torch.tensor([prompt], device=self.embed.device)
        while len(out) < most:
            token = int(self.logits(self.features(feed, caches)[:, -1]).argmax())
            if token == end:
                break
            out.append(token)
            feed = torch.tensor([[token]], device=self.embed.device)
        return out


def load(path):
    saved = torch.load(path, map_location='cpu')
    network = Network(Shape(**saved['shape']))
    network.load_state_dict(saved['weights'])
    return network


def doubled(small):
    """A network twice as wide that computes the same: every channel, head and hidden unit is there twice.

    What reads a doubled value does so by W/2 + d and W/2 - d, with a random d, so the copies learn to differ.
    """
    shape = Shape(**{**small.shape.__dict__, 'width': small.shape.width * 2, 'heads': small.shape.heads * 2,
                     'kv_heads': small.shape.kv_heads * 2, 'hidden': small.shape.hidden * 2})
    large = Network(shape)
    with torch.no_grad():
        large.embed.copy_(torch.cat((small.embed, small.embed), 1))
        large.scale.copy_(torch.cat((small.scale, small.scale)) / 2)
        for a, b in zip(small.layers, large.layers):
            for name, weight in a.named_parameters():
                half = torch.cat((weight, weight), 0) / 2
                apart = torch.randn_like(half) * weight.std() * 0.5
                getattr(b, name).copy_(torch.cat((half + apart, half - apart), 1))
    return large


def with_more_heads(small, heads, kv_heads):
    """A network that computes the same with more heads, the new ones adding nothing yet."""
    large = Network(Shape(**{**small.shape.__dict__, 'heads': heads, 'kv_heads': kv_heads}))
    assert heads // kv_heads == small.shape.heads // small.shape.kv_heads
    with torch.no_grad():
        large.embed.copy_(small.embed)
        large.scale.copy_(small.scale)
        for a, b in zip(small.layers, large.layers):
            for name, weight in a.named_parameters():
                wide = getattr(b, name)
                if name == 'o':
                    wide.zero_()
                wide[:weight.shape[0], :weight.shape[1]].copy_(weight)
    return large


def deepened(small):
    """A network of twice as many layers that computes the same: behind each layer one that adds nothing yet."""
    large = Network(Shape(**{**small.shape.__dict__, 'layers': small.shape.layers * 2}))
    with torch.no_grad():
        large.embed.copy_(small.embed)
        large.scale.copy_(small.scale)
        for i, layer in enumerate(small.layers):
            large.layers[2 * i].load_state_dict(layer.state_dict())
            large.layers[2 * i + 1].o.zero_()
            large.layers[2 * i + 1].down.zero_()
    return large
