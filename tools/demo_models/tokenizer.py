"""A byte-level BPE of its own: trained here, written into the GGUF, and read there by any reader of `gpt2` vocabularies.

The words are cut as the pre-tokenizer `qwen2` cuts ASCII, so digits stand alone.
"""
import json
import re
from collections import Counter

SPECIAL = ['<|endoftext|>', '<|im_start|>', '<|im_end|>']
PIECES = re.compile(r"'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])|[^\r\nA-Za-z0-9]?[A-Za-z]+|[0-9]| ?[^\sA-Za-z0-9]+[\r\n]*"
                    r"|\s*[\r\n]+|\s+(?!\S)|\s+")
CHAT_TEMPLATE = ("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
                 "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")


def byte_letters():
    """The printable letter that stands for each byte in vocabularies of this kind (GPT-2's table)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters, extra = {b: chr(b) for b in plain}, 0
    for byte in range(256):
        if byte not in letters:
            letters[byte] = chr(256 + extra)
            extra += 1
    return letters


LETTERS = byte_letters()


def merge_pair(word, pair):
    out, i = [], 0
    while i < len(word):
        if i + 1 < len(word) and (word[i], word[i + 1]) == pair:
            out.append(word[i] + word[i + 1])
            i += 2
        else:
            out.append(word[i])
            i += 1
    return tuple(out)


class Tokenizer:
    def __init__(self, merges):
        self.merges = [tuple(m) for m in merges]
        self.rank = {pair: i for i, pair in enumerate(self.merges)}
        self.tokens = [LETTERS[b] for b in range(256)] + [a + b for a, b in self.merges] + SPECIAL
        self.id = {token: i for i, token in enumerate(self.tokens)}
        self.end = self.id['<|im_end|>']
        self.known = {}
        self.bytes_of = {letter: byte for byte, letter in LETTERS.items()}

    @staticmethod
    def train(texts, size):
        words = Counter()
        for text in texts:
            words.update(PIECES.findall(text))
        words = {tuple(LETTERS[b] for b in word.encode()): n for word, n in words.items()}
        merges = []
        while 256 + len(merges) + len(SPECIAL) < size:
            pairs = Counter()
            for word, n in words.items():
                for pair in zip(word, word[1:]):
                    pairs[pair] += n
            if not pairs:
                break
            best = max(pairs, key=lambda pair: (pairs[pair], pair))
            merges.append(best)
            words = {merge_pair(word, best): n for word, n in words.items()}
        return Tokenizer(merges)

    def piece(self, text):
        word = tuple(LETTERS[b] for b in text.encode())
        while len(word) > 1:
            pair = min(zip(word, word[1:]), key=lambda p: self.rank.get(p, len(self.rank)))
            if pair not in self.rank:
                break
            word = merge_pair(word, pair)
        return [self.id[token] for token in word]

    def encode(self, text):
        out = []
        for piece in PIECES.findall(text):
            if piece not in self.known:
                self.known[piece] = self.piece(piece)
            out += self.known[piece]
        return out

    def decode(self, ids):
        text = bytearray()
        for i in ids:
            token = self.tokens[i]
            text += token.encode() if token in SPECIAL else bytes(self.bytes_of[c] for c in token)
        return text.decode(errors='replace')

    def prompt(self, question):
        """What the chat template makes of one message."""
        start = self.id['<|im_start|>']
        return ([start] + self.encode('user\n' + question) + [self.end] + self.encode('\n') + [start] + self.encode('assistant\n'))

    def save(self, path):
        with open(path, 'w') as file:
            json.dump({'merges': self.merges}, file, ensure_ascii=False, indent=0)

    @staticmethod
    def load(path):
        with open(path) as file:
            return Tokenizer(json.load(file)['merges'])
