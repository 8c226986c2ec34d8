"""Word problems with worked answers: `23+18=41`, a line a step, and `#### 41`.

A problem belongs to the held-out ones if a hash of its worked answer says so, so no two of the sides ever share one,
whatever seeds they are drawn with: not the problem, and not its numbers in other words.
"""
import hashlib
from collections import namedtuple

from scenes import DISTRACTORS, FILLER, PEOPLE, PRONOUNS, SCENES, UNSEEN_SCENES, SMALL

Problem = namedtuple('Problem', 'question worked answer steps template')

LIMIT = 999           # no number grows beyond
HELD_OUT_PART = 32    # one worked answer of so many is held out


class Chain:
    """The calculation so far."""

    def __init__(self):
        self.lines = []

    def do(self, left, op, right):
        value = {'+': left + right, '-': left - right, '*': left * right, '/': left // right}[op]
        assert 0 <= value <= LIMIT and (op != '/' or left % right == 0)
        self.lines.append(f'{left}{op}{right}={value}')
        return value

    def worked(self, answer):
        return '\n'.join(self.lines) + f'\n#### {answer}'


def is_held_out(worked):
    return int.from_bytes(hashlib.sha256(worked.encode()).digest()[:4], 'big') % HELD_OUT_PART == 0


def usual_number(rng):
    kind = rng.random()
    return rng.randint(2, 9) if kind < 0.15 else rng.randint(10, 99) if kind < 0.9 else rng.randint(100, 300)


def product(rng):
    """Two factors, the smaller first."""
    small = rng.randint(2, 9)
    return small, rng.randint(3, 40 if small > 3 else 80)


def loss(rng, value):
    """Something to take away from what is at least 4."""
    if value < 12 or rng.random() < 0.12:
        return rng.randint(2, min(9, value - 1))
    return rng.randint(10, min(99, value - 1))


class Words:
    """People and things of one problem."""

    def __init__(self, rng, things):
        (name, who), (friend, _) = rng.sample(PEOPLE, 2)
        self.slots = {'N': name, 'F': friend, 't': rng.choice(things), **PRONOUNS[who]}

    def say(self, text, **numbers):
        said = text.format(**self.slots, **numbers)
        return said[0].upper() + said[1:]


def chain_problem(rng, scene):
    """One quantity that begins, changes, and ends."""
    target = rng.choices([2, 3, 4, 5], [45, 35, 15, 5])[0]
    words, chain, said = Words(rng, scene.things), Chain(), []
    kind, text = rng.choice(scene.begin)
    used = {text}
    if kind == 'a':
        a = value = rng.randint(12, 99) if rng.random() < 0.8 else rng.randint(100, 400)
        b = 0
    elif kind == 'a*b':
        a, b = product(rng)
        value = chain.do(a, '*', b)
    else:
        a, b = rng.randint(5, 99), rng.randint(5, 99)
        value = chain.do(a, '+', b)
    said.append(words.say(text, a=a, b=b))
    end, end_text = rng.choice(scene.end)
    if end != 'x' and len(chain.lines) + 1 == target and target == 2 and end == 'x/a':
        end, end_text = scene.end[0]  # one product and a division: too often not exact
    last = target - (end != 'x')
    divisor = rng.randint(2, 9)
    while len(chain.lines) < last:
        adds = value < 14 or (value < LIMIT - 310 and rng.random() < 0.45)
        amount = usual_number(rng) if adds else loss(rng, value)
        if end == 'x/a' and len(chain.lines) + 1 == last:  # what is divided has to be divisible
            away = (value + amount if adds else value - amount) % divisor
            amount += -away if adds else away
            if amount < 1 or (not adds and amount >= value):
                return None
        elif end == 'x*a' and len(chain.lines) + 1 == last and not adds and value > 120 and value < 200:
            amount = value - rng.randint(20, 99)
        texts = [t for t in (scene.gain if adds else scene.lose) if t not in used]
        if not texts:
            return None
        text = rng.choice(texts)
        used.add(text)
        value = chain.do(value, '+' if adds else '-', amount)
        said.append(words.say(text, a=amount))
    if end == 'x/a':
        if value % divisor or value // divisor < 2 or value > 400:
            return None
        value, a = chain.do(value, '/', divisor), divisor
    elif end == 'x*a':
        a = rng.randint(2, 9)
        if value * a > LIMIT or value > 120:
            return None
        value = chain.do(value, '*', a)
    return said, words, words.say(end_text, a=a), chain, value


def pair_problem(rng):
    """People who are compared, and what they have together."""
    people = rng.sample(PEOPLE, rng.choice([2, 2, 3]))
    words, chain, said = Words(rng, SMALL), Chain(), []
    values = [rng.randint(12, 99)]
    said.append(words.say('{A} has {a} {t}.', A=people[0][0], a=values[0]))
    for (name, _), (other, _) in zip(people[1:], people):
        base, kind = values[-1], rng.choice('+-*')
        if base < 4 or base > 75:
            return None
        if kind == '*':
            n = rng.randint(2, 4)
            said.append(words.say('{B} has {a} times as many as {A}.', A=other, B=name, a=n))
        else:
            n = rng.randint(3, 60) if kind == '+' else loss(rng, base)
            said.append(words.say('{B} has {a} {k} than {A}.', A=other, B=name, a=n, k='more' if kind == '+' else 'fewer'))
        values.append(chain.do(base, kind, n))
    total = values[0]
    for value in values[1:]:
        total = chain.do(total, '+', value)
    if len(values) == 2 and rng.random() < 0.35:
        n = loss(rng, total)
        said.append(words.say('Together they give away {a} {t}.', a=n))
        ask = words.say('How many {t} do they have left?')
        total = chain.do(total, '-', n)
    else:
        ask = words.say('How many {t} do they have together?')
    words.slots['N'], words.slots['F'] = people[0][0], people[1][0]
    return said, words, ask, chain, total


def shop_problem(rng):
    """Things at a price, and the change."""
    words, chain = Words(rng, SMALL), Chain()
    a, b = product(rng)
    first = chain.do(a, '*', b)
    said = [words.say('{N} buys {a} {t} for {b} dollars each.', a=a, b=b)]
    if rng.random() < 0.5:
        c, d = rng.randint(2, 9), rng.randint(2, 12)
        second = chain.do(c, '*', d)
        other = rng.choice([t for t in SMALL if t != words.slots['t']])
        said.append(words.say('{P} also buys {a} {u} for {b} dollars each.', a=c, b=d, u=other))
    else:
        second = rng.randint(5, 99)
        said.append(words.say('{P} also buys a coat for {a} dollars.', a=second))
    total = chain.do(first, '+', second)
    if rng.random() < 0.4:
        return said, words, words.say('How many dollars does {p} spend?'), chain, total
    paid = min(LIMIT, total + rng.randint(2, 80))
    said.append(words.say('{P} pays with {a} dollars.', a=paid))
    return said, words, words.say('How many dollars does {p} get back?'), chain, chain.do(paid, '-', total)


def draw(rng, unseen, fill):
    """A problem of any side, or None where the numbers came out badly. `fill`: sentences of filler between the facts."""
    kind = rng.random()
    if unseen:
        scene = rng.choice(UNSEEN_SCENES)
        made, template = chain_problem(rng, scene), scene.name
    elif kind < 0.72:
        scene = rng.choice(SCENES)
        made, template = chain_problem(rng, scene), scene.name
    elif kind < 0.88:
        made, template = pair_problem(rng), 'pair'
    else:
        made, template = shop_problem(rng), 'shop'
    if made is None:
        return None
    said, words, ask, chain, answer = made
    if rng.random() < 0.25:
        said.insert(rng.randint(1, len(said)), words.say(rng.choice(DISTRACTORS), x=rng.randint(3, 60)))
    for _ in range(fill):
        said.insert(rng.randint(0, len(said)), words.say(rng.choice(FILLER)))
    return Problem(' '.join(said + [ask]), chain.worked(answer), answer, len(chain.lines), template)


def problem(rng, held_out=False, unseen=False, fill=0):
    while True:
        made = draw(rng, unseen, fill)
        if made is not None and is_held_out(made.worked) == held_out:
            return made


def practice(rng, lines):
    """Bare calculations, with numbers as problems have them."""
    chain = Chain()
    while len(chain.lines) < lines:
        kind = rng.random()
        if kind < 0.35:
            chain.do(rng.randint(5, 500), '+', usual_number(rng))
        elif kind < 0.7:
            left = rng.randint(13, 200) if rng.random() < 0.6 else rng.randint(100, 600)
            chain.do(left, '-', loss(rng, left) if rng.random() < 0.85 else rng.randint(2, left))
        elif kind < 0.88:
            a, b = product(rng) if rng.random() < 0.6 else (rng.randint(12, 110), rng.randint(2, 9))
            chain.do(a, '*', b)
        else:
            b = rng.randint(2, 9)
            chain.do(b * rng.randint(2, min(80, 400 // b)), '/', b)
    return '\n'.join(chain.lines)


def choices(rng, made):
    """Four answers, the wrong ones from typical slips: a step left out, a carry missed, two digits changed."""
    right = made.answer
    slips = [int(line.split('=')[1]) for line in made.worked.split('\n')[:-2]]
    slips += [right + d for d in (10, -10, 1, -1, 2, 100)]
    if right > 9:
        digits = str(right)
        slips.append(int(digits[:-2] + digits[-1] + digits[-2]))
    rng.shuffle(slips)
    found = []
    for slip in slips:
        if 0 <= slip <= LIMIT and slip != right and slip not in found:
            found.append(slip)
    options = found[:3] + [right]
    rng.shuffle(options)
    return options, 'ABCD'[options.index(right)]
