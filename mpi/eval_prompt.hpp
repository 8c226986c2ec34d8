// From a question with a known answer to the prompt that a model is given: a template in Jinja, with these variables.
//
//   question   the text
//   choices    list of objects with `letter` and `text`; empty where there are none
//   shots      answered examples: objects with `question`, `choices` and `answer`
//   subject    the file's name
//   chat       whether the result becomes a message of the user; else it is a text that the model continues
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "model/jinja/template.hpp"
#include "mpi/eval_items.hpp"

namespace covey {

class EvalPrompt {
 public:
  /// Empty: a template for answers that come to "#### result", and for letters. Throws Error with the line.
  explicit EvalPrompt(std::string_view source);

  /// Throws Error if the template fails.
  std::string render(const EvalItem& item, std::span<const EvalItem> shots, bool chat) const;

 private:
  std::shared_ptr<const jinja::Template> template_;
};

}  // namespace covey
