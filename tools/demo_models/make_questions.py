"""make_questions.py KIND COUNT SEED OUT.jsonl: questions with answers, as `covey eval` reads them.

KIND: `test`, `unseen` (whole scenes that training never shows), `choice`, `long:N` (N sentences of filler): all of the
held-out side. `train`: of the side that models learn from, to sample proposals and routing labels.
"""
import json
import random
import sys

from problems import choices, problem


def line(rng, kind, number):
    name, _, fill = kind.partition(':')
    made = problem(rng, held_out=name != 'train', unseen=name == 'unseen', fill=int(fill or 0))
    one = {'id': f'{kind}-{number}', 'question': made.question, 'answer': made.worked, 'template': made.template}
    if name == 'choice':
        options, letter = choices(rng, made)
        one.update(choices=[str(option) for option in options], answer=letter, worked=made.worked)
    return one


def main():
    kind, count, seed, out = sys.argv[1:]
    rng, seen = random.Random(f'{kind} {seed}'), set()
    with open(out, 'w') as file:
        while len(seen) < int(count):
            one = line(rng, kind, len(seen))
            if one['question'] not in seen:
                seen.add(one['question'])
                file.write(json.dumps(one) + '\n')


if __name__ == '__main__':
    main()
