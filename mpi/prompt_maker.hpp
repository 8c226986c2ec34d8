// From a question, and what others have answered, to the prompt that this rank's model is given.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mpi/aggregation_prompt.hpp"
#include "mpi/loaded_model.hpp"

namespace covey {

class PromptMaker {
 public:
  /// `model` must outlive the object. `own_model`: conversations are rendered by its own chat template, since what rank
  /// 0 rendered is for another model. `usual`: the template of aggregations where the options bring none.
  PromptMaker(const LoadedModel& model, bool own_model, std::string_view usual)
      : model_(model), own_model_(own_model), usual_(usual) {}

  const Tokenizer& tokenizer() const { return *model_.tokenizer; }

  /// `options` with the prompt for this model.
  GenerateOptions question(const GenerateOptions& options) const;
  /// `options` with the prompt that shows the proposals, known tokens left out. Throws Error if a template fails.
  GenerateOptions aggregation(const GenerateOptions& options, std::span<const std::string> proposals,
                              std::string_view synthesis) const;

 private:
  const AggregationPrompt& words(const std::string& source) const;
  const ChatTemplate& chat(const std::string& name) const;
  void render_chat(const ChatQuestion& chat, GenerateOptions& options) const;

  const LoadedModel& model_;
  bool own_model_;
  std::string_view usual_;
  mutable std::map<std::string, AggregationPrompt> words_;  // by source: parsed once
  mutable std::map<std::string, ChatTemplate> chats_;       // by name
};

/// How many tokens two texts begin with in common.
std::int32_t shared_beginning(std::span<const Token> a, std::span<const Token> b);

}  // namespace covey
