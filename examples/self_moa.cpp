// Self-MoA in one process: several samples of one prompt are drawn together, then the model sees them all and answers.
//   example_self_moa model.gguf "Once upon a time" 4
#include <covey/covey.hpp>
#include <cstdlib>
#include <iostream>

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: " << argv[0] << " MODEL.gguf PROMPT PROPOSALS\n";
    return 2;
  }
  try {
    covey::Model model(argv[1]);
    covey::GenerationOptions propose;
    propose.max_tokens = 24;
    std::string prompt = argv[2];
    int number = 0;
    // The prompt is evaluated once: the samples share its cached keys and values.
    for (const auto& proposal : model.sample(prompt, std::atoi(argv[3]), propose)) {
      std::cout << "proposal " << ++number << ":" << proposal.text << "\n";
      prompt += "\n" + std::to_string(number) + ":" + proposal.text;
    }
    covey::GenerationOptions aggregate;
    aggregate.max_tokens = 24;
    aggregate.sampling.temperature = 0;
    const auto answer = model.generate(prompt + "\nBest:", aggregate);
    std::cout << "answer:" << answer.text << "\n(" << answer.reused_tokens << " of " << answer.prompt_tokens
              << " prompt tokens were in the cache)\n";
  } catch (const covey::Error& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
  }
}
