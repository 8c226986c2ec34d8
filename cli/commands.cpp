#include <array>

#include "cli/command.hpp"

namespace covey {

namespace {

constexpr std::array kCommands = {
    Command{"run", "Generate text from a prompt, alone or over MPI ranks",
            "  covey run -m model.gguf -p 'Once upon a time' --greedy\n"
            "  echo 'Tell me a story.' | covey run -m model.gguf -n 200 --stats\n"
            "  mpirun -np 3 covey run -m model.gguf --mode pipeline --shares 2,1,1 -p 'Hello'\n"
            "  mpirun -np 3 covey run -m model.gguf --mode self-moa --proposals 6 -p 'Hello' --json\n"
            "  mpirun -np 2 covey run -m model.gguf --mode tensor --link wifi5 -p 'Hello' --stats\n"
            "  covey run -m model.gguf --chat --system 'Be brief.' -p 'Why is the sky blue?'\n",
            add_run, true},
    Command{"chat", "Talk with a model, alone or over MPI ranks",
            "  covey chat -m model.gguf\n"
            "  covey chat -m model.gguf --system 'Answer in one sentence.' --temp 0.3\n"
            "  covey chat -m model.gguf --load talk.json --history ~/.covey_history\n"
            "  covey chat -m model.gguf --chat-template chatml < questions.txt\n"
            "  mpirun -np 3 covey chat -m model.gguf --mode pipeline\n",
            add_chat, true},
    Command{"launch", "Start ranks that outlive each other, by mpirun",
            "  covey launch -n 4 -- run -m model.gguf --mode pipeline -p 'Hello' --stats\n"
            "  covey launch -n 4 --hostfile hosts -- run -m model.gguf --mode tensor -p 'Hello' --timeout 10\n",
            add_launch},
    Command{"doctor", "Check ranks and the links between them before they work",
            "  covey doctor -m model.gguf\n"
            "  mpirun --hostfile hosts -np 4 covey doctor -m model.gguf\n"
            "  covey doctor --ranks 3 --link wifi5 --json\n",
            add_doctor, true},
    Command{"info", "Show what a GGUF file holds",
            "  covey info model.gguf\n"
            "  covey info model.gguf --tensors --metadata\n"
            "  covey info model.gguf --json\n",
            add_info},
    Command{"tokenize", "Turn text into token ids",
            "  covey tokenize -m model.gguf 'Hello world'\n"
            "  covey tokenize -m model.gguf --no-bos --file texts.txt --separator '\\n---\\n'\n"
            "  echo -n 'Hello' | covey tokenize -m model.gguf --json\n",
            add_tokenize},
    Command{"perplexity", "Measure how well a model predicts a text",
            "  covey perplexity -m model.gguf -f text.txt -c 256\n"
            "  mpirun -np 2 covey perplexity -m model.gguf -f text.txt --mode tensor --json\n",
            add_perplexity, true},
    Command{"logits", "Print the logits of every position of a token sequence",
            "  covey logits -m model.gguf --tokens 1,290,291 --json\n"
            "  covey logits -m model.gguf --tokens 1,290,291 --exact --isa scalar --batch 1\n",
            add_logits, true},
    Command{"eval", "Ask questions with known answers, and count the right ones",
            "  covey eval -m model.gguf test.jsonl --chat --greedy --limit 100\n"
            "  mpirun -np 3 covey eval -m model.gguf test.jsonl --chat --mode vote --proposals 6 --records vote.jsonl\n"
            "  covey eval -m model.gguf test/astronomy.csv --examples dev --shots 5 --choice-by letter-likelihood\n",
            add_eval, true},
    Command{"compare", "Run models, modes, ranks and links against each other, and report",
            "  covey compare job.yaml\n"
            "  covey compare job.yaml --dry-run\n",
            add_compare},
    Command{"bench", "Measure speed, and compare it with what the machine can do",
            "  covey bench -m model.gguf\n"
            "  covey bench -m q4.gguf q8.gguf -p 256,512 -n 64 -t 1,2 --json\n"
            "  covey bench -m model.gguf -p 0 -b 1,4,16 -d 0,1024 --format markdown\n"
            "  covey bench --limits -t 1,2\n",
            add_bench},
    Command{"devices", "List what can compute here: the CPU, and GPUs with a Vulkan driver",
            "  covey devices\n"
            "  covey devices --json\n",
            add_devices},
    Command{"quantize", "Write a model with weights of another type",
            "  covey quantize model-f16.gguf model-q4.gguf --type Q4_0\n"
            "  covey quantize model-f16.gguf model-q8.gguf --type Q8_0 --keep attn_v --json\n"
            "  covey quantize model-f16.gguf out.gguf --type Q4_K_M --dry-run\n",
            add_quantize},
    Command{"convert", "Write a published model, in safetensors, as GGUF",
            "  covey convert Llama-3.2-1B-Instruct -o llama-3.2-1b.gguf\n"
            "  covey convert Qwen3-0.6B -o qwen3-0.6b-q8.gguf --type Q8_0\n"
            "  covey convert gemma-3-1b-it -o out.gguf --dry-run\n",
            add_convert},
    Command{"split", "Write a model to several files",
            "  covey split model.gguf parts/model --max-size 2G\n"
            "  covey split model.gguf model --max-tensors 100\n",
            add_split},
    Command{"merge", "Write a model of several files to one", "  covey merge model-00001-of-00003.gguf model.gguf\n",
            add_merge},
    Command{"synth", "Write a seeded random model",
            "  covey synth random.gguf\n"
            "  covey synth random.gguf --preset 1.1b --type Q4_0 --seed 7\n",
            add_synth},
    Command{"table", "Compare saved runs in one table",
            "  covey run -m model.gguf -p 'Hello' --json > solo.json\n"
            "  mpirun -np 2 covey run -m model.gguf -p 'Hello' --mode tensor --json > tensor.json\n"
            "  covey table solo.json tensor.json --markdown\n",
            add_table},
    Command{"version", "Print the version and what it was built with", "  covey version\n", add_version},
};

}  // namespace

std::span<const Command> commands() { return kCommands; }

}  // namespace covey
