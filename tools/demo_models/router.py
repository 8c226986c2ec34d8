"""router.py S.pt VOCABULARY.json TRAIN.jsonl TEST.jsonl OUT.json: foresees from a question alone whether S will be right.

A logistic regression on what S makes of the prompt: the normed values behind each layer at the prompt's last token, and
their mean over the prompt. Labels are as in Hybrid LLM (Ding et al. 2024, arXiv:2404.14618): the share of S's samples that are
right. TRAIN and TEST are files of collect_samples.py; OUT gets the weights, and what they reach on TEST.
"""
import json
import sys

import torch
from torch.nn import functional as F

from network import load, norm
from tokenizer import Tokenizer


@torch.no_grad()
def features(network, tokenizer, question):
    behind = [norm(values)[0] for values in network.behind_layers(torch.tensor([tokenizer.prompt(question)]))]
    return torch.cat([part for values in behind for part in (values[-1], values.mean(0))])


def read(path, network, tokenizer):
    with open(path) as file:
        lines = [json.loads(line) for line in file]
    return (torch.stack([features(network, tokenizer, one['question']) for one in lines]),
            torch.tensor([sum(one['right']) / len(one['right']) for one in lines]))


def fit(x, y, decay=1e-3):
    weights, bias = torch.zeros(x.shape[1], requires_grad=True), torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, bias], max_iter=200, line_search_fn='strong_wolfe')

    def loss():
        optimizer.zero_grad()
        value = F.binary_cross_entropy_with_logits(x @ weights + bias, y) + decay * weights.pow(2).sum()
        value.backward()
        return value
    optimizer.step(loss)
    return weights.detach(), bias.detach()


def area_under_curve(scores, right):
    """How often a question that is answered right has the higher score of two, one of each kind."""
    good, bad = scores[right], scores[~right]
    above = (good[:, None] > bad[None]).float() + 0.5 * (good[:, None] == bad[None]).float()
    return float(above.mean())


def main():
    model, vocabulary, train, test, out = sys.argv[1:]
    network, tokenizer = load(model), Tokenizer.load(vocabulary)
    x, y = read(train, network, tokenizer)
    mean, spread = x.mean(0), x.std(0) + 1e-6
    weights, bias = fit((x - mean) / spread, y)
    seen, share = read(test, network, tokenizer)
    scores = ((seen - mean) / spread) @ weights + bias
    area = area_under_curve(scores, share >= 0.5)
    plain = weights / spread  # the scaling is folded in
    with open(out, 'w') as file:
        json.dump({'features': [f'layer {i}, {of}' for i in range(network.shape.layers) for of in ('last token', 'mean')],
                   'width': network.shape.width,
                   'weights': [round(float(w), 6) for w in plain], 'bias': round(float(bias - (plain * mean).sum()), 6),
                   'roc_auc': round(area, 4), 'questions': len(share)}, file)
        file.write('\n')
    print(f'area under the ROC curve {area:.4f} on {len(share)} questions, {int((share >= 0.5).sum())} of them right')


if __name__ == '__main__':
    main()
