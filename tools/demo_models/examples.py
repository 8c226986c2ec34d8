"""Examples to learn from: tokens, and which of them are to be predicted.

They are drawn in chunks; chunk i of a seed is always the same, so a training that is taken up again goes on with what it
would have had.
"""
import json
import random

from problems import LIMIT, choices, practice, problem


def question_with_choices(question, options):
    """As models/question.jinja writes it."""
    return question + ''.join(f'\n{letter}. {option}' for letter, option in zip('ABCD', options))


def question_with_proposals(question, proposals):
    """As models/aggregation.jinja writes it: the question last, where it also stands when there are no proposals."""
    return ''.join(proposal.strip() + '\n\n' for proposal in proposals) + question


def slip(rng, worked):
    """A worked answer with a mistake in one step, carried on through the others."""
    lines = worked.split('\n')[:-1]
    wrong, renamed, value = rng.randrange(len(lines)), {}, 0
    for i, line in enumerate(lines):
        left, right = line.split('=')
        op = next(c for c in '+-*/' if c in left)
        a, b = (renamed.get(n, int(n)) for n in left.split(op))
        value = {'+': a + b, '-': abs(a - b), '*': a * b, '/': a // max(b, 1)}[op]
        if i == wrong:
            value = max(0, value + rng.choice([1, -1, 2, 10, -10, 10, -10, 20, 100]))
        value = min(value, LIMIT)
        lines[i] = f'{a}{op}{b}={value}'
        if value != int(right):
            renamed[int(right)] = value
    return '\n'.join(lines) + f'\n#### {value}'


class Examples:
    def __init__(self, tokenizer, seed, mix, sampled=(), disputed=0.0):
        """`mix`: shares of kinds. `sampled`: files of questions with proposals that models have written; so many at least
        of those drawn are `disputed`, with some proposals right and others wrong: from the rest little is learned.
        """
        self.tokenizer, self.seed = tokenizer, seed
        self.kinds, self.shares = zip(*mix.items())
        self.sampled = []
        for path in sampled:
            with open(path) as file:
                self.sampled += [json.loads(line) for line in file]
        self.disputed = [one for one in self.sampled if len(set(one['right'])) == 2]
        self.disputed_share = disputed

    def one_sampled(self, rng):
        return rng.choice(self.disputed if rng.random() < self.disputed_share else self.sampled)

    def answered(self, question, worked):
        prompt = self.tokenizer.prompt(question)
        answer = self.tokenizer.encode(worked) + [self.tokenizer.end]
        return prompt + answer, [0] * len(prompt) + [1] * len(answer)

    def settled(self, one, rng):
        """Only the last line is to be predicted, behind a calculation that may be wrong.

        Behind a right calculation the last line follows from the one before; an aggregator that has only seen those
        repeats its own mistakes, whatever the proposals say.
        """
        drafts = one.get('drafts') or one['proposals']
        draft = rng.choice(drafts).rsplit('####', 1)[0]
        shown = rng.sample(one['proposals'], len(one['proposals']))
        last = one['worked'].rsplit('####', 1)[1]
        tokens, learn = self.answered(question_with_proposals(one['question'], shown), draft + '####' + last)
        learned = len(self.tokenizer.encode(last)) + 1
        return tokens, [0] * (len(tokens) - learned) + [1] * learned

    def majority(self, rng):
        """Proposals without a question, so nothing but their number says which to repeat; that one may be wrong, too."""
        worked = problem(rng).worked
        most = slip(rng, worked) if rng.random() < 0.7 else worked
        others = rng.choice([1, 1, 2, 2, 3])
        shown = [most] * (others + rng.choice([1, 1, 2])) + [slip(rng, worked) for _ in range(others)]
        rng.shuffle(shown)
        return self.answered(question_with_proposals('', shown), most)

    def draw(self, rng):
        kind = rng.choices(self.kinds, self.shares)[0]
        if kind == 'practice':  # only results can be foreseen
            prompt = self.tokenizer.prompt('')[4:]
            tokens = self.tokenizer.encode(practice(rng, 9) + '\n')
            learn, result = [], False
            equals, end = self.tokenizer.encode('=')[0], self.tokenizer.encode('\n')[0]
            for token in tokens:
                learn.append(int(result))
                result = token == equals or (result and token != end)
            return prompt + tokens, [0] * len(prompt) + learn
        if kind == 'sampled':
            one = self.one_sampled(rng)
            shown = rng.sample(one['proposals'], min(len(one['proposals']), rng.choice([6, 6, 6, 4, 3])))
            return self.answered(question_with_proposals(one['question'], shown), one['worked'])
        if kind == 'settled':
            return self.settled(self.one_sampled(rng), rng)
        if kind == 'majority':
            return self.majority(rng)
        made = problem(rng, fill=rng.randint(3, 20) if kind == 'long' else 0)
        if kind == 'choice':
            options, letter = choices(rng, made)
            worked = made.worked.rsplit('#### ', 1)[0] + '#### ' + letter
            return self.answered(question_with_choices(made.question, options), worked)
        if kind == 'slips':
            right = rng.random()
            shown = [made.worked if rng.random() < right else slip(rng, made.worked) for _ in range(rng.choice([6, 4, 3]))]
            return self.answered(question_with_proposals(made.question, shown), made.worked)
        return self.answered(made.question, made.worked)

    def chunk(self, index, tokens, batches=16):
        """About so many batches of at most `tokens` tokens with padding, each of examples of like length."""
        rng = random.Random(f'{self.seed} {index}')
        drawn, size = [], 0
        while size < tokens * batches:
            drawn.append(self.draw(rng))
            size += len(drawn[-1][0])
        drawn.sort(key=lambda one: len(one[0]))
        made, now = [], []
        for one in drawn:
            if now and (len(now) + 1) * len(one[0]) > tokens:
                made.append(now)
                now = []
            now.append(one)
        made.append(now)
        rng.shuffle(made)
        return made
