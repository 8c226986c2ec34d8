"""compare_answers.py MODEL.pt VOCABULARY.json QUESTIONS.jsonl RECORDS.jsonl [COUNT]: the same model, here and in Covey.

Answers each question greedily in PyTorch, and says how many are right here and in the records of `covey eval --greedy`,
and how many of the first 100 are the same token for token.
"""
import json
import sys

import torch

from collect_samples import answers_of
from network import load
from tokenizer import Tokenizer


def result(text):
    return text.rsplit('####', 1)[1].strip() if '####' in text else None


def main():
    model, vocabulary, questions, records = sys.argv[1:5]
    torch.set_num_threads(1)
    network, tokenizer, there = load(model), Tokenizer.load(vocabulary), answers_of(records)
    right_here = right_there = same = asked = 0
    with open(questions) as file:
        for index, line in enumerate(file):
            if index not in there or (len(sys.argv) > 5 and index >= int(sys.argv[5])):
                break
            one = json.loads(line)
            tokens = network.greedy(tokenizer.prompt(one['question']), tokenizer.end, 128)
            right_here += result(tokenizer.decode(tokens)) == result(one['answer'])
            right_there += there[index]['correct']
            same += index < 100 and tokens == tokenizer.encode(there[index]['text'])
            asked += 1
    print(f'{asked} questions: {right_here} right in PyTorch, {right_there} in Covey; {same} of the first {min(asked, 100)} '
          'the same token for token')


if __name__ == '__main__':
    main()
