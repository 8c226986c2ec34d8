"""Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon): momentum whose matrices are made orthogonal."""
from collections import defaultdict

import torch


def orthogonal(matrices, steps=5):
    """The nearest matrices with equal singular values, by Newton and Schulz's iteration: (count, rows, columns)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.transpose(1, 2) if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        square = x @ x.transpose(1, 2)
        x = a * x + (b * square + c * (square @ square)) @ x
    return x.transpose(1, 2) if tall else x


class Muon(torch.optim.Optimizer):
    def __init__(self, matrices, lr, momentum=0.95, decay=0.0, dtype=torch.float32):
        super().__init__(matrices, {'lr': lr, 'momentum': momentum, 'decay': decay})
        self.dtype = dtype  # of the iteration, which needs no more than bfloat16

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            alike = defaultdict(list)
            for p in group['params']:
                alike[p.shape].append(p)
            for shape, matrices in alike.items():
                updates = []
                for p in matrices:
                    state = self.state[p]
                    if not state:
                        state['momentum'] = torch.zeros_like(p)
                    state['momentum'].lerp_(p.grad, 1 - group['momentum'])
                    updates.append(p.grad.lerp(state['momentum'], group['momentum']))
                step = group['lr'] * max(1, shape[0] / shape[1]) ** 0.5
                for p, update in zip(matrices, orthogonal(torch.stack(updates).to(self.dtype))):
                    p.mul_(1 - group['lr'] * group['decay']).add_(update, alpha=-step)
