"""What has to hold of the problems and the tokenizer; needs nothing but Python."""
import random
import re
import unittest

from examples import Examples, slip
from problems import LIMIT, choices, is_held_out, practice, problem
from scenes import SCENES, UNSEEN_SCENES
from tokenizer import Tokenizer


def recalculated(worked):
    """Calculates each line anew; the result of the last one. Fails where a line is wrong."""
    *lines, last = worked.split('\n')
    for line in lines:
        left, op, right, value = re.fullmatch(r'(\d+)([-+*/])(\d+)=(\d+)', line).groups()
        left, right, value = int(left), int(right), int(value)
        true = {'+': left + right, '-': left - right, '*': left * right}.get(op, left / right if op == '/' else None)
        assert true == value and 0 <= value <= LIMIT, line
    assert last == f'#### {value}', worked
    return value


def some(count, **how):
    rng = random.Random(5)
    return [problem(rng, **how) for _ in range(count)]


class ProblemsTest(unittest.TestCase):
    def test_answers_are_right(self):
        for made in some(2000) + some(200, unseen=True) + some(100, fill=10):
            self.assertEqual(recalculated(made.worked), made.answer)
            self.assertTrue(2 <= made.steps <= 5 and made.worked.count('=') == made.steps)

    def test_numbers_of_the_first_steps_are_in_the_question(self):
        for made in some(500):
            known = set(re.findall(r'\d+', made.question))
            for line in made.worked.split('\n')[:-1]:
                left, right, value = re.findall(r'\d+', line)
                self.assertTrue({left, right} <= known, made)
                known.add(value)

    def test_no_problem_is_on_both_sides(self):
        train, test = some(3000), some(300, held_out=True)
        self.assertFalse(any(is_held_out(made.worked) for made in train))
        self.assertTrue(all(is_held_out(made.worked) for made in test))
        self.assertFalse({made.worked for made in train} & {made.worked for made in test})

    def test_unseen_scenes_are_not_learned_from(self):
        words = {text for scene in UNSEEN_SCENES for part in (scene.begin, scene.end) for _, text in part}
        self.assertFalse(words & {text for scene in SCENES for part in (scene.begin, scene.end) for _, text in part})
        names = {scene.name for scene in UNSEEN_SCENES}
        self.assertFalse(any(made.template in names for made in some(500)))
        self.assertTrue(all(made.template in names for made in some(50, unseen=True)))

    def test_choices_hold_the_answer_once(self):
        rng = random.Random(2)
        for made in some(300):
            options, letter = choices(rng, made)
            self.assertEqual(len(set(options)), 4)
            self.assertEqual(options['ABCD'.index(letter)], made.answer)

    def test_practice_is_right(self):
        lines = practice(random.Random(3), 500)
        recalculated(lines + '\n#### ' + lines.rsplit('=', 1)[1])

    def test_slips_are_worked_to_the_end(self):
        rng = random.Random(4)
        for made in some(300):
            self.assertEqual(slip(rng, made.worked).count('\n'), made.worked.count('\n'))


class TokenizerTest(unittest.TestCase):
    def setUp(self):
        self.texts = [made.question + '\n' + made.worked for made in some(300)]
        self.tokenizer = Tokenizer.train(self.texts, 400)

    def test_texts_come_back(self):
        for text in self.texts + ['Größe 12, naïve\n\n  x']:
            self.assertEqual(self.tokenizer.decode(self.tokenizer.encode(text)), text)

    def test_digits_stand_alone(self):
        self.assertEqual(len(self.tokenizer.encode('2026')), 4)
        self.assertFalse(any(re.search(r'\d.|.\d', token) for token in self.tokenizer.tokens[256:]))


class ExamplesTest(unittest.TestCase):
    def test_chunks_repeat_and_only_answers_are_learned(self):
        tokenizer = Tokenizer.train([made.question for made in some(100)], 300)
        examples = Examples(tokenizer, 1, {'problem': 1, 'practice': 1, 'choice': 1, 'long': 1, 'slips': 1})
        chunk = examples.chunk(3, 1000, batches=4)
        self.assertEqual(chunk, examples.chunk(3, 1000, batches=4))
        for tokens, learn in (one for batch in chunk for one in batch):
            self.assertEqual(len(tokens), len(learn))
            self.assertTrue(0 < sum(learn) < len(learn) and learn[0] == 0)


if __name__ == '__main__':
    unittest.main()
