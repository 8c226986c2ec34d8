// The words that turn proposals into one answer: templates in Jinja, with these variables.
//
//   prompt      the prompt, or in a conversation the user's last message
//   proposals   list of texts
//   synthesis   self-moa-seq: the best answer so far; else empty
//   chat        whether the result becomes a message of the user; else it is a text that the model continues
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "model/jinja/template.hpp"

namespace covey {

/// After Li et al. 2025 (Self-MoA): samples of one model, some of them wrong.
extern const std::string_view kSelfMoaPrompt;
/// The same with a window: an answer so far, and more samples.
extern const std::string_view kSequentialPrompt;
/// After Wang et al. 2024 (Mixture-of-Agents): answers of several models, to be judged and made one.
extern const std::string_view kMixturePrompt;

class AggregationPrompt {
 public:
  /// Throws Error with the line.
  explicit AggregationPrompt(std::string_view source);

  struct Input {
    std::string_view prompt;
    std::span<const std::string> proposals;
    std::string_view synthesis;
    bool chat = false;
  };
  /// Throws Error if the template fails.
  std::string render(const Input& input) const;

 private:
  std::shared_ptr<const jinja::Template> template_;
};

}  // namespace covey
