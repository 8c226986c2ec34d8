// Generated tokens as text that may be shown: whole characters, and nothing that may yet turn out to be a stop string.
#pragma once

#include <string>
#include <vector>

#include "model/tokenizer.hpp"

namespace covey {

class TextStream {
 public:
  /// `tokenizer` must outlive the object. Empty stop strings are ignored.
  TextStream(const Tokenizer& tokenizer, std::vector<std::string> stop);

  /// The text that can be shown now. After stopped() nothing more comes.
  std::string push(Token token);
  /// The rest, when generation ends for another reason.
  std::string finish();
  bool stopped() const { return stopped_; }

 private:
  std::string release(const std::string& text, bool last);

  Detokenizer detokenizer_;
  std::vector<std::string> stop_;
  std::string held_;  // could begin a stop string
  bool stopped_ = false;
};

}  // namespace covey
