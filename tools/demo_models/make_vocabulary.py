"""make_vocabulary.py OUT.json: trains the tokenizer on problems."""
import random
import sys

from examples import question_with_choices
from problems import choices, problem
from tokenizer import Tokenizer

SIZE = 768


def main():
    rng = random.Random(1)
    texts = []
    for i in range(8000):
        made = problem(rng, fill=8 if i % 8 == 0 else 0)
        texts += [made.question + '\n\n' + made.worked, 'user\n', 'assistant\n']
        if i % 4 == 0:
            texts.append(question_with_choices(made.question, choices(rng, made)[0]) + '\n')
    Tokenizer.train(texts, SIZE).save(sys.argv[1])


if __name__ == '__main__':
    main()
