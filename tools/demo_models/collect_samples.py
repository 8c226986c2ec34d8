"""collect_samples.py QUESTIONS.jsonl OUT.jsonl RECORDS.jsonl ...: puts what models answered beside the questions.

Each file of records is one run of `covey eval --temp 0.8 --records` with another seed. The lines of OUT are what
`train_model.py --sampled` reads: question, worked answer, proposals, and which of these are right.
"""
import json
import sys


def answers_of(path):
    with open(path) as file:
        next(file)  # the settings
        return {record['index']: record for record in map(json.loads, file)}


def main():
    questions, out, *records = sys.argv[1:]
    runs = [answers_of(path) for path in records]
    with open(questions) as asked, open(out, 'w') as file:
        for index, line in enumerate(asked):
            one = json.loads(line)
            given = [run[index] for run in runs if index in run]
            file.write(json.dumps({'question': one['question'], 'worked': one['answer'],
                                   'proposals': [record['text'].strip() for record in given],
                                   'right': [record['correct'] for record in given]}) + '\n')


if __name__ == '__main__':
    main()
