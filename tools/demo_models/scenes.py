"""The words of the problems: scenes, each with ways to begin, to gain, to lose, and to end.

In the texts {a} and {b} are numbers, {t} things, {N} a person, {P}/{p}/{o}/{s} the pronouns (She, she, her, her), {F}
another person. What a text asks to be calculated is named before it:

    begin   "a"     there are a                     "a*b"  a groups of b          "a+b"  two kinds
    end     "x"     how many there are              "x/a"  shared among a         "x*a"  each is worth a
"""
from collections import namedtuple

Scene = namedtuple('Scene', 'name things begin gain lose end')

PEOPLE = [('Anna', 'she'), ('Ben', 'he'), ('Clara', 'she'), ('David', 'he'), ('Emma', 'she'), ('Felix', 'he'),
          ('Grace', 'she'), ('Henry', 'he'), ('Ivy', 'she'), ('Jack', 'he'), ('Kate', 'she'), ('Leo', 'he'),
          ('Maya', 'she'), ('Noah', 'he'), ('Rosa', 'she'), ('Sam', 'he'), ('Tina', 'she'), ('Tom', 'he')]
PRONOUNS = {'she': {'P': 'She', 'p': 'she', 'o': 'her', 's': 'her'}, 'he': {'P': 'He', 'p': 'he', 'o': 'him', 's': 'his'}}

SMALL = ['apples', 'books', 'cards', 'coins', 'marbles', 'pens', 'shells', 'stamps', 'beads', 'stones', 'nuts', 'balls']

SCENES = [
    Scene('collection', SMALL,
          [('a', '{N} has {a} {t}.'), ('a', 'There are {a} {t} in {N}\'s box.'), ('a', '{N} starts with {a} {t}.'),
           ('a*b', '{N} has {a} bags with {b} {t} in each.'), ('a*b', 'There are {b} {t} in each of {N}\'s {a} boxes.'),
           ('a+b', '{N} has {a} red and {b} blue {t}.')],
          ['{P} buys {a} more.', '{P} finds {a} {t}.', '{F} gives {o} {a} more {t}.', 'Then {p} gets {a} {t} from {F}.'],
          ['{P} gives {a} to {F}.', '{P} loses {a} {t}.', '{P} sells {a} of them.', 'Then {F} takes {a} {t}.'],
          [('x', 'How many {t} does {N} have now?'), ('x', 'How many {t} are left?'),
           ('x/a', '{P} shares them equally among {a} friends. How many {t} does each friend get?'),
           ('x/a', '{P} puts them in bags of {a}. How many bags does {p} need?'),
           ('x*a', '{P} sells them all for {a} dollars each. How many dollars does {p} get?')]),
    Scene('bakery', ['cakes', 'rolls', 'pies', 'cookies', 'buns'],
          [('a', '{N} bakes {a} {t}.'), ('a', 'A bakery has {a} {t} in the morning.'),
           ('a*b', '{N} bakes {a} trays of {b} {t}.'), ('a*b', 'A bakery fills {a} trays with {b} {t} each.'),
           ('a+b', '{N} bakes {a} sweet and {b} salty {t}.')],
          ['Then {a} more are baked.', '{F} brings {a} more {t}.', '{a} more {t} come from the oven.'],
          ['{a} of them are sold.', '{N} burns {a} {t}.', 'Children eat {a} {t}.', '{a} {t} are given away.'],
          [('x', 'How many {t} are there in the end?'), ('x', 'How many {t} are left?'),
           ('x/a', 'The {t} are packed in boxes of {a}. How many boxes are there?'),
           ('x/a', '{a} shops get the same number of {t}. How many does each shop get?'),
           ('x*a', 'Each one costs {a} dollars. How many dollars are all of them worth?')]),
    Scene('money', ['dollars'],
          [('a', '{N} has {a} dollars.'), ('a*b', '{N} saves {b} dollars a week for {a} weeks.'),
           ('a*b', '{N} works {a} hours for {b} dollars an hour.'), ('a+b', '{N} gets {a} dollars from {F} and {b} from an aunt.')],
          ['{P} earns {a} more.', '{P} finds {a} dollars.', '{F} gives {o} {a} dollars.', '{P} gets {a} dollars as a gift.'],
          ['{P} spends {a} dollars.', '{P} pays {a} dollars for a coat.', '{P} lends {F} {a} dollars.', 'A meal costs {o} {a} dollars.'],
          [('x', 'How many dollars does {N} have now?'), ('x', 'How much money is left?'),
           ('x/a', '{P} buys tickets for {a} dollars each with all of it. How many tickets does {p} get?'),
           ('x/a', 'It has to last for {a} days. How many dollars are there for each day?')]),
    Scene('bus', ['people'],
          [('a', 'There are {a} people on a train.'), ('a', 'A ship leaves with {a} people.'),
           ('a*b', 'A train has {a} cars with {b} people in each.'), ('a+b', 'A train carries {a} adults and {b} children.')],
          ['At a stop {a} people get on.', '{a} more people get on.', 'Then {a} people join them.'],
          ['At a stop {a} people get off.', 'Then {a} people leave.', '{a} people get off.'],
          [('x', 'How many people are there now?'), ('x', 'How many people are left?'),
           ('x/a', 'They sit in rows of {a}. How many rows are full?'),
           ('x*a', 'Each of them pays {a} dollars. How many dollars is that?')]),
    Scene('school', ['students'],
          [('a', 'A school has {a} students.'), ('a', '{a} students come to a club.'),
           ('a*b', 'There are {a} classes with {b} students each.'), ('a+b', 'A club has {a} boys and {b} girls.')],
          ['Then {a} new students come.', '{a} more students join.', 'In spring {a} students are added.'],
          ['{a} students are ill.', '{a} students leave.', '{a} of them go home.'],
          [('x', 'How many students are there now?'), ('x', 'How many students are left?'),
           ('x/a', 'The rest form teams of {a}. How many teams are there?'),
           ('x/a', 'They are split into {a} equal groups. How many students are in each group?'),
           ('x*a', 'Each student needs {a} pens. How many pens is that?')]),
    Scene('farm', ['eggs', 'plums', 'pears', 'melons'],
          [('a', 'A farm has {a} {t}.'), ('a', '{N} picks {a} {t}.'), ('a*b', '{N} fills {a} baskets with {b} {t} each.'),
           ('a*b', 'On each of {a} days {N} picks {b} {t}.'), ('a+b', '{N} picks {a} {t} and {F} picks {b}.')],
          ['{N} picks {a} more.', 'The next day brings {a} more {t}.', '{F} adds {a} {t}.'],
          ['{a} {t} go bad.', '{N} sells {a} {t}.', 'A dog eats {a} of them.', '{a} {t} are dropped.'],
          [('x', 'How many {t} are left?'), ('x', 'How many {t} are there now?'),
           ('x/a', 'They are put in baskets of {a}. How many baskets are there?'),
           ('x/a', 'They are shared by {a} families. How many {t} does each one get?'),
           ('x*a', 'Each is sold for {a} dollars. How many dollars does that make?')]),
    Scene('road', ['miles'],
          [('a', '{N} walks {a} miles in a month.'), ('a*b', '{N} drives {b} miles an hour for {a} hours.'),
           ('a*b', '{N} rides {b} miles on each of {a} days.'), ('a+b', '{N} drives {a} miles on Monday and {b} on Friday.')],
          ['Then {p} goes {a} miles more.', 'After a rest {p} does {a} more miles.', '{P} adds a trip of {a} miles.'],
          ['{a} miles of it were by boat. These do not count.', '{P} skips {a} miles of that by train.'],
          [('x', 'How many miles is that?'), ('x', 'How many miles count in the end?'),
           ('x/a', '{F} goes as far in {a} equal days. How many miles is that a day?'),
           ('x*a', 'A mile costs {a} dollars. How many dollars is that?')]),
]

# Never in training: whole scenes.
UNSEEN_SCENES = [
    Scene('library', ['books', 'cards'],
          [('a', 'A library has {a} {t}.'), ('a*b', 'A library has {a} rows with {b} {t} in each.'),
           ('a+b', 'A library has {a} old and {b} new {t}.')],
          ['The library buys {a} more {t}.', '{N} brings {a} {t} back.'],
          ['{N} takes {a} {t} home.', 'The library sells {a} of its {t}.'],
          [('x', 'How many {t} does the library have now?'),
           ('x/a', 'They are put in rows of {a}. How many rows are there?')]),
    Scene('pond', ['frogs', 'ducks'],
          [('a', 'There are {a} {t} in a pond.'), ('a*b', 'There are {a} ponds with {b} {t} in each.'),
           ('a+b', 'A pond has {a} green and {b} brown {t}.')],
          ['Then {a} more {t} come.', 'In spring {a} {t} join them.'],
          ['Then {a} {t} leave.', 'Of these, {a} {t} go home.'],
          [('x', 'How many {t} can you see at the pond now?'),
           ('x/a', 'The {t} are split into {a} equal groups. How many {t} are in each group?')]),
]

# They say nothing that is needed; {x} is a number.
DISTRACTORS = ['{N} is {x} years old.', '{F} has {x} cousins.', 'It is {x} degrees outside.', 'The shop is {x} miles away.',
               'A coat costs {x} dollars.', '{F} is {x} years old.', 'A bus takes {x} minutes.']

# Filler of the long-context problems: no numbers.
FILLER = ['The sky is grey and the wind is cold.', 'A dog sleeps in the sun.', 'The children play a game.',
          '{F} sings a song.', 'The train is late again.', 'It rains in the morning.', 'A cat looks at the birds.',
          '{F} reads a book about ships.', 'The shop is full of people.', 'A boy eats a pear.']
