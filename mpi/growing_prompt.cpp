#include "mpi/growing_prompt.hpp"

#include <utility>

#include "mpi/request_run.hpp"

namespace covey {

namespace {

// Shorter pieces are evaluated too slowly: they wait for what follows.
constexpr std::int32_t kLeastPiece = 64;  // tokens

// Stands for a proposal that is not known yet. Private characters, which nobody writes.
std::string placeholder(std::int32_t index) { return "\uE0C0" + std::to_string(index) + "\uE0C1"; }

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
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
  close_piece();
}

// Where the question comes first it keeps its tokens, and else what is known of a conversation before it.
void GrowingPrompt::begin(GenerateOptions options) {
  options.known = asked_.known;
  if (!asked_.prompt.empty() && options.prompt.starts_with(asked_.prompt)) options.known = {asked_.prompt, question_};
  tokens_ = continuation(options, maker_.tokenizer()).prompt;
  shared_ = shared_beginning(question_, tokens_);
  cuts_ = {shared_};
}

void GrowingPrompt::append(std::string_view text, bool special) {
  EncodeOptions encode;
  encode.bos = false;
  encode.continues = true;
  encode.special = special;
  const std::vector<Token> more = maker_.tokenizer().encode(text, encode);
  tokens_.insert(tokens_.end(), more.begin(), more.end());
  text_ += text;
}

void GrowingPrompt::close_piece() {
  const auto end = static_cast<std::int32_t>(tokens_.size());
  if (end - cuts_.back() >= kLeastPiece) cuts_.push_back(end);
}

void GrowingPrompt::add(std::string_view proposal) {
  proposals_.emplace_back(trimmed(proposal));
  if (!words_ || proposals_.size() >= words_->size()) return;
  // A proposal is text: what looks like a special token in it is none.
  append(proposals_.back(), false);
  append((*words_)[proposals_.size()], first_.special);
  if (proposals_.size() + 1 < words_->size()) close_piece();
}

std::optional<Request> GrowingPrompt::ahead(std::int32_t evaluated, std::int32_t context) const {
  if (!words_ || cuts_.back() <= evaluated || cuts_.back() >= context) return std::nullopt;
  Request request;
  request.prompt.assign(tokens_.begin(), tokens_.begin() + cuts_.back());
  request.cuts = cuts_;
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
  request.cuts = cuts_;
  request.sampling.temperature = options_.aggregate_temperature;
  return request;
}

}  // namespace covey
