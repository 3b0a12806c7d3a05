"""Published recurrences as people write them for a loop of their own: in many forms, none of them ours."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

Rows = tuple[Tensor, ...]  # each [B, S]


class GRUResetBefore(nn.Module):
    """GRU as first published: Cho et al. 2014."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        self.gates = nn.Linear(input_size + hidden_size, 2 * hidden_size)
        self.candidate = nn.Linear(input_size + hidden_size, hidden_size)

    def forward(self, x, h=None):
        if h is None:
            h = torch.zeros(x.size(0), self.hidden_size, dtype=x.dtype, device=x.device)
        r, z = torch.sigmoid(self.gates(torch.cat([x, h], dim=1))).chunk(2, dim=1)
        n = torch.tanh(self.candidate(torch.cat([x, r * h], dim=1)))
        return (1 - z) * h + z * n


class MGU(nn.Module):
    """Minimal gated unit: Zhou et al. 2016."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.wf, self.uf = nn.Linear(input_size, hidden_size), nn.Linear(hidden_size, hidden_size, bias=False)
        self.wh, self.uh = nn.Linear(input_size, hidden_size), nn.Linear(hidden_size, hidden_size, bias=False)

    def forward(self, input, hidden):
        assert input.dim() == 2, "an input of one step"
        if hidden.shape != (input.shape[0], self.hidden_size):
            raise RuntimeError(f"hidden has {hidden.size(1)} units, expected {self.hidden_size}")
        f = F.sigmoid(self.wf(input) + self.uf(hidden))
        n = F.tanh(self.wh(input) + self.uh(f * hidden))
        return hidden + f * (n - hidden)


class PeepholeLSTM(nn.Module):
    """LSTM whose gates see the cell, with a projection: Gers and Schmidhuber 2000, Sak et al. 2014."""

    def __init__(self, input_size, hidden_size, projected=None):
        super().__init__()
        projected = projected or hidden_size
        self.input_size = input_size
        self.x2g = nn.Linear(input_size, 4 * hidden_size)
        self.h2g = nn.Linear(projected, 4 * hidden_size, bias=False)
        self.peep = nn.Parameter(torch.randn(3, hidden_size) * 0.1)
        self.out = nn.Linear(hidden_size, projected, bias=False)

    def forward(self, x, state):
        h, c = state
        i, f, g, o = torch.split(self.x2g(x) + self.h2g(h), c.size(-1), dim=-1)
        pi, pf, po = self.peep.unbind(0)
        i, f = torch.sigmoid(i + pi * c), torch.sigmoid(f + pf * c)
        c = f * c + i * g.tanh()
        o = torch.sigmoid(o + po * c)
        return self.out(o * c.tanh()), c


class LayerNormLSTM(nn.Module):
    """LSTM with layer norm: Ba et al. 2016. It gives its output beside its state, a list."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.input_size = input_size
        self.ih = nn.Linear(input_size, 4 * hidden_size, bias=False)
        self.hh = nn.Linear(hidden_size, 4 * hidden_size, bias=False)
        self.ln_i, self.ln_h = nn.LayerNorm(4 * hidden_size), nn.LayerNorm(4 * hidden_size)
        self.ln_c = nn.LayerNorm(hidden_size)
        self.drop = nn.Dropout(0.0)

    def forward(self, x, hc):
        h, c = hc
        gates = self.ln_i(self.ih(x)) + self.ln_h(self.hh(h))
        i, f, o, g = gates.chunk(4, 1)
        c = c * torch.sigmoid(f + 1.0) + torch.sigmoid(i) * self.drop(torch.tanh(g))
        h = torch.sigmoid(o) * torch.tanh(self.ln_c(c))
        return h, [h, c]


class JANET(nn.Module):
    """A forget gate alone: van der Westhuizen and Lasenby 2018."""

    def __init__(self, input_size, hidden_size, beta=1.0):
        super().__init__()
        self.input_size, self.beta = input_size, beta
        self.weight = nn.Parameter(torch.randn(2 * hidden_size, input_size) * 0.3)
        self.recurrent = nn.Parameter(torch.randn(2 * hidden_size, hidden_size) * 0.3)
        self.bias = nn.Parameter(torch.zeros(2 * hidden_size))

    def forward(self, x, h):
        weights = zip(self.weight.chunk(2), self.recurrent.chunk(2), self.bias.chunk(2), strict=True)
        s, n = (F.linear(x, w, b) + F.linear(h, u) for w, u, b in weights)
        return torch.sigmoid(s) * h + (1 - torch.sigmoid(s - self.beta)) * torch.tanh(n)


class SRU(nn.Module):
    """Simple recurrent unit: Lei et al. 2018. The cell is its state, the output another."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.input_size = input_size
        self.W = nn.Linear(input_size, 4 * hidden_size, bias=False)
        self.v = nn.Parameter(torch.randn(2, hidden_size))
        self.b = nn.Parameter(torch.zeros(2, hidden_size))

    def forward(self, x, c):
        u, f, r, skip = self.W(x).view(x.size(0), 4, -1).unbind(1)
        f = torch.sigmoid(f + self.v[0] * c + self.b[0])
        r = torch.sigmoid(r + self.v[1] * c + self.b[1])
        c = f * c + (1 - f) * u
        return r * c + (1 - r) * skip, c


class MinimalRNN(nn.Module):
    """MinimalRNN: Chen 2017."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.phi = nn.Sequential(nn.Linear(input_size, hidden_size), nn.Tanh())
        self.gate = nn.Linear(2 * hidden_size, hidden_size)
        self.input_size = input_size

    def forward(self, x, h):
        z = self.phi(x)
        u = torch.sigmoid(self.gate(torch.cat((h, z), -1)))
        return torch.lerp(z, h, u)


class IndRNN(nn.Module):
    """Independently recurrent: Li et al. 2018. The activation is an argument."""

    def __init__(self, input_size, hidden_size, activation=F.relu):
        super().__init__()
        self.input_size, self.activation = input_size, activation
        self.linear, self.u = nn.Linear(input_size, hidden_size), nn.Parameter(torch.rand(hidden_size))

    def forward(self, x, h):
        return self.activation(torch.addcmul(self.linear(x), self.u, h))


class UGRNN(nn.Module):
    """Update gate RNN: Collins et al. 2017."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.input_size, self.fc = input_size, nn.Linear(input_size + hidden_size, 2 * hidden_size)

    def forward(self, x, h):
        out = self.fc(torch.cat([x, h], 1))
        n = out.size(1) // 2
        c, g = torch.tanh(out[:, :n]), torch.sigmoid(out[:, n:] + 1)
        return g * h + (1 - g) * c


class RAN(nn.Module):
    """Recurrent additive network: Lee et al. 2017."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        self.wc = nn.Linear(input_size, hidden_size, bias=False)
        self.wx, self.wh = nn.Linear(input_size, 2 * hidden_size), nn.Linear(hidden_size, 2 * hidden_size)

    def forward(self, x, state=None):
        h, c = (x.new_zeros(len(x), self.hidden_size),) * 2 if state is None else state
        i, f = (self.wx(x) + self.wh(h)).sigmoid().chunk(2, 1)
        c = i * self.wc(x) + f * c
        return torch.tanh(c), c


class ATR(nn.Module):
    """Addition-subtraction twin gates: Zhang et al. 2018."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.input_size = input_size
        self.p, self.q = nn.Linear(input_size, hidden_size), nn.Linear(hidden_size, hidden_size)

    def forward(self, x, h):
        p, q = self.p(x), self.q(h)
        return (p + q).sigmoid() * p + (p - q).sigmoid() * h


class LiGRU(nn.Module):
    """Light GRU: Ravanelli et al. 2018."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.input_size = input_size
        self.w, self.u = nn.Linear(input_size, 2 * hidden_size), nn.Linear(hidden_size, 2 * hidden_size, bias=False)
        self.act = nn.ReLU()

    def forward(self, x, ht):
        gates = self.w(x) + self.u(ht)
        at, zt = gates.chunk(2, 1)
        zt = torch.sigmoid(zt)
        return zt * ht + (1 - zt) * self.act(at)


class FastGRNN(nn.Module):
    """FastGRNN with matrices of low rank: Kusupati et al. 2018."""

    def __init__(self, input_size, hidden_size, rank=3):
        super().__init__()
        self.input_size = input_size
        self.w1, self.w2 = (nn.Parameter(torch.randn(*s) * 0.4) for s in ((input_size, rank), (rank, hidden_size)))
        self.u1, self.u2 = (nn.Parameter(torch.randn(*s) * 0.4) for s in ((hidden_size, rank), (rank, hidden_size)))
        self.bz, self.bh = nn.Parameter(torch.ones(1, hidden_size)), nn.Parameter(torch.ones(1, hidden_size))
        self.zeta, self.nu = nn.Parameter(torch.ones(1, 1)), nn.Parameter(-4 * torch.ones(1, 1))

    def forward(self, x, h):
        pre = torch.matmul(torch.matmul(x, self.w1), self.w2) + h @ self.u1 @ self.u2
        z, n = torch.sigmoid(pre + self.bz), torch.tanh(pre + self.bh)
        return z * h + (torch.sigmoid(self.zeta) * (1 - z) + torch.sigmoid(self.nu)) * n


class FastRNN(nn.Module):
    """FastRNN: Kusupati et al. 2018."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.cell = nn.RNNCell(input_size, hidden_size)
        self.input_size = input_size
        self.alpha, self.beta = nn.Parameter(torch.tensor(-3.0)), nn.Parameter(torch.tensor(3.0))

    def forward(self, x, h):
        return torch.sigmoid(self.alpha) * self.cell(x, h) + torch.sigmoid(self.beta) * h


class AntisymmetricRNN(nn.Module):
    """Antisymmetric RNN with a gate: Chang et al. 2019."""

    eye: Tensor

    def __init__(self, input_size, hidden_size, step=0.1, gamma=0.01):
        super().__init__()
        self.input_size, self.step_size = input_size, step
        self.w = nn.Parameter(torch.randn(hidden_size, hidden_size) / hidden_size**0.5)
        self.v = nn.Linear(input_size, 2 * hidden_size)
        self.register_buffer("eye", gamma * torch.eye(hidden_size), persistent=False)

    def forward(self, x, h):
        a = h @ (self.w - self.w.t() - self.eye).t()
        vh, vz = self.v(x).chunk(2, 1)
        return h + self.step_size * torch.sigmoid(a + vz) * torch.tanh(a + vh)


class CoRNN(nn.Module):
    """Coupled oscillators: Rusch and Mishra 2021. States are arguments of their own."""

    def __init__(self, input_size, hidden_size, dt=0.1, gamma=1.0, epsilon=1.0):
        super().__init__()
        self.dt, self.gamma, self.epsilon = dt, gamma, epsilon
        self.i2h, self.h2h = nn.Linear(input_size, hidden_size), nn.Linear(2 * hidden_size, hidden_size, bias=False)
        self.input_size = input_size

    def forward(self, x, hy, hz):
        push = torch.tanh(self.i2h(x) + self.h2h(torch.cat((hz, hy), 1)))
        hz = hz + self.dt * (push - self.gamma * hy - self.epsilon * hz)
        hy = hy + self.dt * hz
        return hy, hz


class LEM(nn.Module):
    """Long expressive memory: Rusch et al. 2022."""

    def __init__(self, ninp, nhid, dt=0.5):
        super().__init__()
        self.nhid, self.dt = nhid, dt
        self.inp2hid, self.hid2hid = nn.Linear(ninp, 4 * nhid), nn.Linear(nhid, 3 * nhid)
        self.transform_z = nn.Linear(nhid, nhid)

    def forward(self, x, y, z):
        ix, ix2, iy, iz = self.inp2hid(x).chunk(4, 1)
        hy, hy2, hz = self.hid2hid(y).chunk(3, 1)
        dt_z, dt_y = self.dt * torch.sigmoid(ix2 + hy2), self.dt * torch.sigmoid(ix + hy)
        z = (1.0 - dt_z) * z + dt_z * torch.tanh(iy + hz)
        y = (1.0 - dt_y) * y + dt_y * torch.tanh(self.transform_z(z) + iz)
        return y, z


class LeCunTanh(nn.Module):
    def forward(self, x):
        return 1.7159 * torch.tanh(0.666 * x)


class CfC(nn.Module):
    """Closed-form continuous time: Hasani et al. 2022."""

    def __init__(self, input_size, hidden_size, backbone=12):
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        self.backbone = nn.Sequential(nn.Linear(input_size + hidden_size, backbone), LeCunTanh())
        self.ff1, self.ff2 = nn.Linear(backbone, hidden_size), nn.Linear(backbone, hidden_size)
        self.time_a, self.time_b = nn.Linear(backbone, hidden_size), nn.Linear(backbone, hidden_size)

    def forward(self, input, hx, ts=1.0):
        x = self.backbone(torch.cat([input, hx], 1))
        ff1, ff2 = torch.tanh(self.ff1(x)), torch.tanh(self.ff2(x))
        t = torch.sigmoid(self.time_a(x) * ts + self.time_b(x))
        new = ff1 * (1.0 - t) + t * ff2
        return new, new


class NBR(nn.Module):
    """Bistable recurrent cell with neuromodulation: Vecoven et al. 2021."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.input_size = input_size
        self.x = nn.Linear(input_size, 3 * hidden_size)
        self.wa, self.wc = nn.Linear(hidden_size, hidden_size), nn.Linear(hidden_size, hidden_size)

    def forward(self, x, h):
        xh, xa, xc = self.x(x).chunk(3, -1)
        a = 1 + torch.tanh(xa + self.wa(h))
        c = torch.sigmoid(xc + self.wc(h))
        return c * h + (1 - c) * torch.tanh(xh + a * h)


class RHN(nn.Module):
    """Recurrent highway network of depth 3: Zilly et al. 2017."""

    def __init__(self, input_size, hidden_size, depth=3):
        super().__init__()
        self.input_size, self.depth = input_size, depth
        self.inp = nn.Linear(input_size, 2 * hidden_size, bias=False)
        self.rec = nn.ModuleList(nn.Linear(hidden_size, 2 * hidden_size) for _ in range(depth))

    def forward(self, x, s):
        for layer in range(self.depth):
            both = self.rec[layer](s) + (self.inp(x) if layer == 0 else 0)
            h, t = both.chunk(2, dim=1)
            t = torch.sigmoid(t - 1)
            s = torch.tanh(h) * t + s * (1 - t)
        return s


class MultiplicativeLSTM(nn.Module):
    """mLSTM: Krause et al. 2016. It adds to its gates in place."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.input_size = input_size
        self.wmx, self.wmh = nn.Linear(input_size, hidden_size, False), nn.Linear(hidden_size, hidden_size, False)
        self.wx, self.wh = nn.Linear(input_size, 4 * hidden_size), nn.Linear(hidden_size, 4 * hidden_size, False)

    def forward(self, x, state):
        h, c = state
        gates = self.wh(self.wmx(x) * self.wmh(h))
        gates += self.wx(x)
        i, f, o, u = gates.chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(u)
        h = torch.sigmoid(o) * torch.tanh(c)
        return h, (h, c)


class SCRN(nn.Module):
    """Structurally constrained: Mikolov et al. 2015. Its context is narrower than its units."""

    def __init__(self, input_size, hidden_size, context=5, alpha=0.95):
        super().__init__()
        self.input_size, self.alpha = input_size, alpha
        self.B, self.A = nn.Linear(input_size, context, bias=False), nn.Linear(input_size, hidden_size, bias=False)
        self.P, self.R = nn.Linear(context, hidden_size, bias=False), nn.Linear(hidden_size, hidden_size)

    def forward(self, x, state):
        h, s = state
        s = self.alpha * s + (1 - self.alpha) * self.B(x)
        h = torch.sigmoid(self.P(s) + self.A(x) + self.R(h))
        return h, s


class CIFG(nn.Module):
    """Coupled input and forget gate: Greff et al. 2017. States are [1, B, H], as a layer of PyTorch has them."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        self.weight_ih = nn.Parameter(torch.randn(3 * hidden_size, input_size) * 0.3)
        self.weight_hh = nn.Parameter(torch.randn(3 * hidden_size, hidden_size) * 0.3)
        self.bias = nn.Parameter(torch.zeros(3 * hidden_size))

    def forward(self, x, state):
        h, c = state[0].squeeze(0), state[1].squeeze(0)
        f, o, g = torch.addmm(self.bias, x, self.weight_ih.t()).add_(h.mm(self.weight_hh.t())).chunk(3, 1)
        f = f.sigmoid()
        c = f * c + (1 - f) * g.tanh()
        h = o.sigmoid() * c.tanh()
        return h, (h.unsqueeze(0), c.unsqueeze(0))


class TGRU(nn.Module):
    """Strongly typed GRU: Balduzzi and Ghifary 2016. It keeps the last input's share."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        self.w, self.v = nn.Linear(input_size, 3 * hidden_size), nn.Linear(input_size, 3 * hidden_size, bias=False)

    def forward(self, x, state):
        h, last = state
        z, f, o = (self.w(x) + last).split(self.hidden_size, 1)
        f = torch.sigmoid(f)
        h = f * h + (1 - f) * z
        return h * torch.relu(o), (h, self.v(x))


class STAR(nn.Module):
    """Stackable recurrent cell: Turkoglu et al. 2021."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.input_size = input_size
        self.x_K, self.x_z = nn.Linear(input_size, hidden_size), nn.Linear(input_size, hidden_size)
        self.h_K = nn.Linear(hidden_size, hidden_size)

    def forward(self, x, hidden):
        gain = torch.sigmoid(self.x_K(x) + self.h_K(hidden))
        return torch.tanh((1 - gain) * hidden + gain * torch.tanh(self.x_z(x)))


class WMCLSTM(nn.Module):
    """Working memory connections: Landi et al. 2021."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.input_size = input_size
        self.ih, self.hh = nn.Linear(input_size, 4 * hidden_size), nn.Linear(hidden_size, 4 * hidden_size, bias=False)
        self.mh = nn.ModuleList(nn.Linear(hidden_size, hidden_size) for _ in range(3))

    def forward(self, x, state):
        h, c = state
        i, f, g, o = (self.ih(x) + self.hh(h)).chunk(4, 1)
        i, f = torch.sigmoid(i + self.mh[0](c).tanh()), torch.sigmoid(f + self.mh[1](c).tanh())
        c = f * c + i * torch.tanh(g)
        h = torch.sigmoid(o + self.mh[2](c).tanh()) * torch.tanh(c)
        return h, c


class NASCell(nn.Module):
    """The cell found by search: Zoph and Le 2017."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.input_size = input_size
        self.ih, self.hh = nn.Linear(input_size, 8 * hidden_size), nn.Linear(hidden_size, 8 * hidden_size, bias=False)

    def forward(self, x, state):
        h, c = state
        i, m = self.ih(x).chunk(8, 1), self.hh(h).chunk(8, 1)
        l = [
            torch.sigmoid(i[0] + m[0]), F.relu(i[1] + m[1]), torch.sigmoid(i[2] + m[2]), F.relu(i[3] * m[3]),
            torch.tanh(i[4] + m[4]), torch.sigmoid(i[5] + m[5]), torch.tanh(i[6] + m[6]), torch.sigmoid(i[7] + m[7]),
        ]  # fmt: skip
        a, b = torch.tanh(l[0] * l[1]), torch.tanh(l[2] + l[3])
        d, e = torch.tanh(l[4] * l[5]), torch.sigmoid(l[6] + l[7])
        c = torch.tanh(a + c) * b
        return torch.tanh(c * torch.tanh(d + e)), c


class Mut(nn.Module):
    """MUT1 to MUT3: Jozefowicz et al. 2015, a branch for each."""

    def __init__(self, input_size, hidden_size, kind):
        super().__init__()
        self.input_size, self.kind = input_size, kind
        self.xz, self.xh = nn.Linear(input_size, hidden_size), nn.Linear(input_size, hidden_size)
        self.hr, self.hh = (nn.Linear(hidden_size, hidden_size, bias=False) for _ in range(2))
        if kind != 2:
            self.xr = nn.Linear(input_size, hidden_size)
        if kind != 1:
            self.hz = nn.Linear(hidden_size, hidden_size, bias=False)
        if kind != 3:
            self.same = nn.Linear(input_size, hidden_size, bias=False)

    def forward(self, x, h):
        if self.kind == 1:
            z, r = torch.sigmoid(self.xz(x)), torch.sigmoid(self.xr(x) + self.hr(h))
            n = torch.tanh(self.hh(r * h) + torch.tanh(self.same(x)) + self.xh(x))
        elif self.kind == 2:
            z, r = torch.sigmoid(self.xz(x) + self.hz(h)), torch.sigmoid(self.same(x) + self.hr(h))
            n = torch.tanh(self.hh(r * h) + self.xh(x))
        else:
            z, r = torch.sigmoid(self.xz(x) + self.hz(torch.tanh(h))), torch.sigmoid(self.xr(x) + self.hr(h))
            n = torch.tanh(self.hh(r * h) + self.xh(x))
        return n * z + h * (1 - z)


class UnICORNN(nn.Module):
    """Undamped independent controlled oscillators: Rusch and Mishra 2021."""

    def __init__(self, input_size, hidden_size, dt=0.2, alpha=0.9):
        super().__init__()
        self.input_size, self.dt, self.alpha = input_size, dt, alpha
        self.weight, self.c = nn.Parameter(torch.rand(hidden_size)), nn.Parameter(torch.randn(hidden_size))
        self.lin = nn.Linear(input_size, hidden_size)

    def forward(self, x, hy, hz):
        rate = self.dt * (0.5 + 0.5 * torch.tanh(0.5 * self.c))
        hz = hz - rate * (torch.tanh(self.weight * hy + self.lin(x)) + self.alpha * hy)
        return hy + rate * hz, hz


class DeepTransitionGRU(nn.Module):
    """A GRU cell, then cells without input: Pascanu et al. 2014, Barone et al. 2017."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.first, self.second = nn.GRUCell(input_size, hidden_size), nn.GRUCell(1, hidden_size)
        self.input_size, self.hidden_size = input_size, hidden_size

    def forward(self, x, h):
        h = self.first(x, h)
        return self.second(x.new_zeros(x.size(0), 1), h)


class MultiHeadRNN(nn.Module):
    """A recurrence by heads, with RMS norm: its state is [B, heads, size]."""

    def __init__(self, input_size, hidden_size, heads=2):
        super().__init__()
        self.input_size, self.heads, self.size = input_size, heads, hidden_size // heads
        self.x = nn.Linear(input_size, hidden_size)
        self.r = nn.Parameter(torch.randn(heads, self.size, self.size) / math.sqrt(self.size))
        self.gain = nn.Parameter(torch.ones(self.size))

    def forward(self, x, h):
        assert h.shape[1:] == (self.heads, self.size)
        r = torch.einsum("bhi,hij->bhj", h, self.r)
        u = torch.tanh(self.x(x).view(-1, self.heads, self.size) + r)
        h = u * torch.rsqrt(u.pow(2).mean(-1, keepdim=True) + 1e-3) * self.gain + 0.5 * h
        return h.flatten(1), h


class BlockRNN(nn.Module):
    """Block-diagonal by ``bmm``, its state [heads, B, size]."""

    def __init__(self, input_size, hidden_size, heads=2):
        super().__init__()
        self.input_size, self.heads = input_size, heads
        self.x = nn.Linear(input_size, hidden_size)
        self.r = nn.Parameter(torch.randn(heads, hidden_size // heads, hidden_size // heads) / hidden_size**0.5)

    def forward(self, x, h):
        x = self.x(x).unflatten(1, (self.heads, -1)).transpose(0, 1)
        h = torch.tanh(x + torch.bmm(h, self.r))
        return h.permute(1, 0, 2).reshape(h.shape[1], -1), h


class HopfieldRNN(nn.Module):
    """A state drawn to stored patterns, by a softmax over them: after Ramsauer et al. 2021."""

    def __init__(self, input_size, hidden_size, patterns=4, beta=1.5):
        super().__init__()
        self.input_size, self.beta = input_size, beta
        self.x = nn.Linear(input_size, hidden_size)
        self.patterns = nn.Parameter(torch.randn(patterns, hidden_size))

    def forward(self, x, h):
        attention = F.softmax(self.beta * (h + self.x(x)) @ self.patterns.t(), dim=-1)
        return 0.5 * h + 0.5 * attention @ self.patterns


class Clockwork(NamedTuple):
    """A state of names."""

    fast: Tensor
    slow: Tensor


class LeakyPair(nn.Module):
    """Two speeds, their states a named tuple: after Jaeger et al. 2007."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        self.w, self.u = nn.Linear(input_size, 2 * hidden_size), nn.Linear(2 * hidden_size, 2 * hidden_size)

    def forward(self, x, state=None):
        if state is None:
            state = Clockwork(*(torch.zeros(x.shape[0], self.hidden_size).to(x) for _ in range(2)))
        a, b = torch.tanh(self.w(x) + self.u(torch.cat(state, 1))).tensor_split(2, 1)
        state = Clockwork(state.fast + 0.5 * (a - state.fast), state.slow + 0.05 * (b - state.slow))
        return state.fast + state.slow, state


Take = Callable[[Rows], tuple[Any, ...]]
Give = Callable[[Any], tuple[Tensor, Rows]]


@dataclass(frozen=True)
class Published:
    """A recurrence of the collection, and how its users' loop calls it.

    Args:
        make: from input_size and hidden_size.
        take: the arguments behind the input, from a row for each tensor of the state.
        give: the output, and the rows of the new state, of what it returns.
        sizes: of the rows, from hidden_size.
        options: that ``adopt`` is to be told.
    """

    make: Callable[[int, int], nn.Module]
    take: Take = lambda rows: rows
    give: Give = lambda h: (h, (h,))
    sizes: Callable[[int], tuple[int, ...]] = lambda n: (n,)
    options: Callable[[int], dict[str, Any]] = lambda n: {}

    def loop(self, cell: nn.Module, x: Tensor, rows: Rows) -> tuple[Tensor, Rows]:
        """Outputs ``[B, T, O]`` and the last rows, as its users' own loop gives them."""
        outputs = []
        for t in range(x.shape[1]):
            output, rows = self.give(cell(x[:, t], *self.take(rows)))
            outputs.append(output)
        return torch.stack(outputs, 1), rows


def pair(make: Callable[[int, int], nn.Module], **how: Any) -> Published:
    """Of a state ``(h, c)``, given back so and nothing else."""
    return Published(make, **{"take": lambda rows: (rows,), "give": lambda hc: (hc[0], hc), "sizes": two} | how)


def two(n: int) -> tuple[int, ...]:
    return n, n


def beside(result: Any) -> tuple[Tensor, Rows]:
    return result[0], tuple(result[1])


def listed(rows: Rows) -> tuple[Any, ...]:
    return ([*rows],)


def narrow(n: int) -> dict[str, Any]:
    return {"state": (torch.zeros(1, n), torch.zeros(1, 5))}


PUBLISHED: dict[str, Published] = {
    "gru_reset_before": Published(GRUResetBefore),
    "mgu": Published(MGU),
    "peephole_lstm": pair(PeepholeLSTM),
    "peephole_lstm_projected": pair(
        lambda i, n: PeepholeLSTM(i, n, 3),
        sizes=lambda n: (3, n),
        options=lambda n: {"state": (torch.zeros(1, 3), torch.zeros(1, n))},
    ),
    "layer_norm_lstm": pair(LayerNormLSTM, take=listed, give=beside),
    "janet": Published(JANET),
    "sru": Published(SRU, give=lambda result: (result[0], (result[1],))),
    "minimal_rnn": Published(MinimalRNN),
    "indrnn": Published(IndRNN),
    "ugrnn": Published(UGRNN, options=lambda n: {"state": torch.zeros(1, n)}),
    "ran": pair(RAN),
    "atr": Published(ATR),
    "ligru": Published(LiGRU),
    "fast_grnn": Published(FastGRNN),
    "fast_rnn": Published(FastRNN),
    "antisymmetric": Published(AntisymmetricRNN),
    "cornn": pair(CoRNN, take=lambda rows: rows),
    "lem": pair(LEM, take=lambda rows: rows),
    "cfc": Published(CfC, give=lambda result: (result[0], (result[1],))),
    "nbr": Published(NBR),
    "rhn": Published(RHN),
    "multiplicative_lstm": pair(MultiplicativeLSTM, give=beside),
    "scrn": pair(SCRN, sizes=lambda n: (n, 5), options=narrow),
    "cifg": pair(
        CIFG,
        take=lambda rows: (tuple(row.unsqueeze(0) for row in rows),),
        give=lambda result: (result[0], tuple(row.squeeze(0) for row in result[1])),
    ),
    "tgru": pair(
        TGRU, give=beside, sizes=lambda n: (n, 3 * n),
        options=lambda n: {"state": (torch.zeros(1, n), torch.zeros(1, 3 * n))},
    ),
    "star": Published(STAR),
    "wmc_lstm": pair(WMCLSTM),
    "nas": pair(NASCell),
    **{f"mut{kind}": Published(lambda i, n, kind=kind: Mut(i, n, kind)) for kind in (1, 2, 3)},
    "unicornn": pair(UnICORNN, take=lambda rows: rows),
    "deep_transition_gru": Published(DeepTransitionGRU),
    "heads": Published(
        MultiHeadRNN,
        take=lambda rows: (rows[0].view(len(rows[0]), 2, -1),),
        give=lambda result: (result[0], (result[1].flatten(1),)),
        options=lambda n: {"state": torch.zeros(1, 2, n // 2)},
    ),
    "blocks": Published(
        BlockRNN,
        take=lambda rows: (rows[0].view(len(rows[0]), 2, -1).transpose(0, 1),),
        give=lambda result: (result[0], (result[1].transpose(0, 1).flatten(1),)),
        options=lambda n: {"state": torch.zeros(2, 1, n // 2)},
    ),
    "hopfield": Published(HopfieldRNN),
    "leaky_pair": pair(LeakyPair, take=lambda rows: (Clockwork(*rows),), give=beside),
    "torch_lstm_cell": pair(nn.LSTMCell),
    "torch_gru_cell": Published(nn.GRUCell),
}  # fmt: skip
