"""Trains one model: train_model.py s OUT.pt --steps 3000 [--init SMALLER.pt] [--sampled proposals.jsonl]

A line of the log has the step, the loss, how many of the validation's worked answers are right to the last token when
each token is foretold from the right ones before it, and the speed. OUT.pt is written once a minute, and taken up again.
"""
import argparse
import os
import random
import time
from dataclasses import asdict

import torch
from torch.nn import functional as F

from examples import Examples
from muon import Muon
from network import SHAPES, Network, deepened, doubled, load, with_more_heads
from problems import problem
from tokenizer import Tokenizer

VALIDATION_SEED = 777


def padded(batch, device):
    longest = max(len(tokens) for tokens, _ in batch)
    tokens = torch.tensor([t + [0] * (longest - len(t)) for t, _ in batch], device=device)
    learn = torch.tensor([m + [0] * (longest - len(m)) for _, m in batch], dtype=torch.bool, device=device)
    return tokens, learn


def loss_of(network, batch, device, bf16):
    tokens, learn = padded(batch, device)
    known = learn[:, 1:]
    with torch.autocast(device, torch.bfloat16, enabled=bf16):
        features = network.features(tokens[:, :-1])[known]
        logits = network.logits(features)
    return F.cross_entropy(logits.float(), tokens[:, 1:][known])


@torch.no_grad()
def validate(network, examples, device, count=200):
    rng, right = random.Random(VALIDATION_SEED), 0
    asked = [problem(rng, held_out=True) for _ in range(count)]
    asked = sorted((examples.answered(p.question, p.worked) for p in asked), key=lambda one: len(one[0]))
    for i in range(0, count, 50):
        tokens, learn = padded(asked[i:i + 50], device)
        found = network.logits(network.features(tokens[:, :-1])).argmax(-1)
        right += int(((found == tokens[:, 1:]) | ~learn[:, 1:]).all(1).sum())
    return right / count


def starting_network(options):
    if not options.init:
        return Network(SHAPES[options.shape])
    network, wanted = load(options.init), SHAPES[options.shape]
    network = deepened(network) if network.shape.layers < wanted.layers else network
    network = doubled(network) if network.shape.width < wanted.width else network
    return with_more_heads(network, wanted.heads, wanted.kv_heads) if network.shape.heads < wanted.heads else network


def parse_mix(text):
    return {kind: float(share) for kind, share in (part.split('=') for part in text.split(','))}


def flags():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('shape', choices=SHAPES)
    parser.add_argument('out')
    parser.add_argument('--vocabulary', required=True)
    parser.add_argument('--steps', type=int, required=True)
    parser.add_argument('--tokens', type=int, default=2048, help='of a batch, with padding')
    parser.add_argument('--lr', type=float, default=0.02, help='of matrices, by Muon')
    parser.add_argument('--lr-embed', type=float, default=0.004, help='of the rest, by AdamW')
    parser.add_argument('--mix', type=parse_mix, default='problem=0.7,practice=0.2,choice=0.05,long=0.05')
    parser.add_argument('--mix-last', type=parse_mix, help='from half of the steps on')
    parser.add_argument('--sampled', nargs='*', default=[])
    parser.add_argument('--disputed', type=float, default=0.0, help='share of samples that are partly right')
    parser.add_argument('--bf16', action='store_true', help='products in bfloat16: faster on GPUs and on processors with AMX')
    parser.add_argument('--init', help='a trained model to start from; a smaller one is made larger first')
    parser.add_argument('--seed', type=int, default=1)
    return parser.parse_args()


def main():
    options = flags()
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    torch.manual_seed(options.seed)
    tokenizer = Tokenizer.load(options.vocabulary)
    network = starting_network(options).to(device)
    matrices = [p for layer in network.layers for p in layer.parameters()]
    optimizers = [Muon(matrices, lr=options.lr, dtype=torch.bfloat16 if options.bf16 else torch.float32),
                  torch.optim.AdamW([network.embed, network.scale], lr=options.lr_embed, betas=(0.9, 0.97), weight_decay=0.0)]
    peaks = [options.lr, options.lr_embed]
    step = chunk = 0
    if os.path.exists(options.out):
        saved = torch.load(options.out, map_location=device)
        network.load_state_dict(saved['weights'])
        for optimizer, state in zip(optimizers, saved.get('optimizers', [])):
            optimizer.load_state_dict(state)
        step, chunk = saved['step'], saved['chunk']
    print(f'{sum(p.numel() for p in network.parameters())} parameters, {device}, from step {step}', flush=True)

    def save(done):
        kept = {'shape': asdict(network.shape), 'weights': network.state_dict(), 'step': step, 'chunk': chunk}
        if not done:
            kept['optimizers'] = [optimizer.state_dict() for optimizer in optimizers]
        torch.save(kept, options.out + '.part')
        os.replace(options.out + '.part', options.out)

    sources = [Examples(tokenizer, options.seed, mix, options.sampled, options.disputed) for mix in (options.mix, options.mix_last or options.mix)]
    start = saved_at = said_at = time.time()
    losses, learned = [], 0
    while step < options.steps:
        for batch in sources[step * 2 >= options.steps].chunk(chunk, options.tokens):
            rate = min(1.0, (step + 1) / 60, max(0.0, 1 - step / options.steps) + 0.005)
            for optimizer, peak in zip(optimizers, peaks):
                optimizer.param_groups[0]['lr'] = peak * rate
                optimizer.zero_grad()
            loss = loss_of(network, batch, device, options.bf16)
            loss.backward()
            for optimizer in optimizers:
                optimizer.step()
            losses.append(float(loss))
            learned += sum(len(tokens) for tokens, _ in batch)
            step += 1
            if time.time() - said_at > 30 or step == options.steps:
                print(f'step {step} of {options.steps}  loss {sum(losses) / len(losses):.4f}  right {validate(network, sources[0], device):.3f}'
                      f'  {learned / (time.time() - start):.0f} tokens/s  {time.time() - start:.0f} s', flush=True)
                losses, said_at = [], time.time()
            if step == options.steps:
                break
        chunk += 1
        if time.time() - saved_at > 60:
            save(False)
            saved_at = time.time()
    save(True)


if __name__ == '__main__':
    main()
