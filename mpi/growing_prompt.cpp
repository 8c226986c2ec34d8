#include "mpi/growing_prompt.hpp"

#include <algorithm>
#include <utility>

#include "mpi/request_run.hpp"

namespace covey {

namespace {

// Shorter pieces would be evaluated too slowly; of longer ones more is left to do when the last proposal has come.
constexpr std::int32_t kPiece = 64;  // tokens

// So many tokens at the end of a text may be others when the text goes on: those of a word that is not complete. Should
// more be others, what was evaluated of them is not found again, and nothing else.
constexpr std::size_t kUnsettled = 6;

// Stands for a proposal that is not known yet. Private characters, which nobody writes.
std::string placeholder(std::int32_t index) { return "\uE0C0" + std::to_string(index) + "\uE0C1"; }

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Where pieces end, from `first` to `last` at most.
std::vector<std::int32_t> piece_ends(std::int32_t first, std::size_t last) {
  std::vector<std::int32_t> ends;
  for (std::int32_t end = first; static_cast<std::size_t>(end) <= last; end += kPiece) ends.push_back(end);
  return ends;
}

// What lies around the placeholders; nullopt unless each is there once, in order.
std::optional<std::vector<std::string>> words_around(const std::string& text, std::int32_t count) {
  std::vector<std::string> words;
  std::size_t done = 0;
  for (std::int32_t i = 0; i < count; ++i) {
    const std::string mark = placeholder(i);
    const std::size_t at = text.find(mark);
    if (at == std::string::npos || at < done || text.find(mark, at + 1) != std::string::npos) return std::nullopt;
    words.push_back(text.substr(done, at - done));
    done = at + mark.size();
  }
  words.push_back(text.substr(done));
  return words;
}

}  // namespace

GrowingPrompt::GrowingPrompt(const PromptMaker& maker, const GenerateOptions& options, std::int32_t proposals,
                             std::string synthesis)
    : maker_(maker), options_(options), count_(proposals), synthesis_(std::move(synthesis)) {
  std::vector<std::string> marks;
  for (std::int32_t i = 0; i < count_; ++i) marks.push_back(placeholder(i));
  first_ = maker.aggregation(options, marks, synthesis_);
  words_ = words_around(first_.prompt, count_);
  asked_ = maker.question(options);
  question_ = continuation(asked_, maker.tokenizer()).prompt;
  if (!words_) return;
  first_.prompt = words_->front();
  text_ = first_.prompt;
  begin(first_);
}

// Where the question comes first it keeps its tokens, and else what is known of a conversation before it.
void GrowingPrompt::begin(GenerateOptions options) {
  options.known = asked_.known;
  if (!asked_.prompt.empty() && options.prompt.starts_with(asked_.prompt)) options.known = {asked_.prompt, question_};
  tokens_ = continuation(options, maker_.tokenizer()).prompt;
  shared_ = shared_beginning(question_, tokens_);
}

std::vector<Token> GrowingPrompt::encode(std::string_view text, bool special) const {
  EncodeOptions encode;
  encode.bos = false;
  encode.continues = true;
  encode.special = special;
  return maker_.tokenizer().encode(text, encode);
}

void GrowingPrompt::append(std::string_view text, bool special) {
  const std::vector<Token> more = encode(text, special);
  tokens_.insert(tokens_.end(), more.begin(), more.end());
  text_ += text;
}

void GrowingPrompt::add(std::string_view proposal) {
  proposals_.emplace_back(trimmed(proposal));
  if (!words_ || proposals_.size() >= words_->size()) return;
  // A proposal is text: what looks like a special token in it is none.
  append(proposals_.back(), false);
  append((*words_)[proposals_.size()], first_.special);
}

std::optional<Request> GrowingPrompt::ahead(std::string_view draft, std::int32_t evaluated,
                                            std::int32_t context) const {
  if (!words_) return std::nullopt;
  Request request;
  request.prompt = tokens_;
  if (proposals_.size() + 1 < words_->size()) {
    std::vector<Token> more = encode(trimmed(draft), false);
    more.resize(more.size() - std::min(more.size(), kUnsettled));
    request.prompt.insert(request.prompt.end(), more.begin(), more.end());
  }
  request.cuts = piece_ends(shared_, request.prompt.size());
  const std::int32_t end = request.cuts.back();
  if (end <= evaluated || end >= context || end == shared_) return std::nullopt;
  request.prompt.resize(static_cast<std::size_t>(end));
  request.max_tokens = 1;
  return request;
}

bool GrowingPrompt::is_what_the_template_says() {
  if (!words_ || proposals_.size() + 1 != words_->size()) return false;
  return maker_.aggregation(options_, proposals_, synthesis_).prompt == text_;
}

// A template may do more with proposals than show them, so that one changes the words around another.
void GrowingPrompt::take_whole() { begin(maker_.aggregation(options_, proposals_, synthesis_)); }

Request GrowingPrompt::request(std::int32_t context) {
  if (!is_what_the_template_says()) take_whole();
  if (tokens_.size() >= static_cast<std::size_t>(context)) {
    throw ContextFull("the aggregation prompt has " + std::to_string(tokens_.size()) + " tokens (" +
                      std::to_string(shared_) + " of the prompt, " +
                      std::to_string(tokens_.size() - static_cast<std::size_t>(shared_)) + " of " +
                      std::to_string(proposals_.size()) + " proposals), the context holds " + std::to_string(context) +
                      " with at least one to generate: lower --proposals or --proposal-tokens, or raise --ctx");
  }
  GenerateOptions plain = options_;
  plain.prompt.clear();
  plain.known = {};
  plain.bos = false;
  Request request = continuation(plain, maker_.tokenizer());
  request.prompt = tokens_;
  request.cuts = piece_ends(shared_, tokens_.size());
  request.sampling.temperature = options_.aggregate_temperature;
  return request;
}

}  // namespace covey
