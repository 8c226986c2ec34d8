#include "cli/chat_loop.hpp"

#include <fmt/format.h>

#include <charconv>
#include <string_view>
#include <utility>

#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/text_files.hpp"
#include "cli/units.hpp"

namespace covey {

namespace {

constexpr const char* kMakeRoom = "/drop forgets the oldest turn, /clear the whole conversation; --ctx sets the size";

std::string counted(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

}  // namespace

void ChatLoop::run() {
  while (std::optional<TypedMessage> message = read_message(lines_)) {
    SlashLine line;
    if (message->literal) {
      line.text = std::move(message->text);
    } else {
      line = read_slash_line(message->text);
    }
    if (line.action == SlashAction::exit) return;
    if (!line.wrong.empty()) {
      print_note(line.wrong);
    } else if (line.action) {
      obey(*line.action, line.text);
    } else if (line.text.find_first_not_of(" \t\n") != std::string::npos) {
      ask(std::move(line.text));
    }
  }
}

void ChatLoop::obey(SlashAction action, const std::string& argument) {
  switch (action) {
    case SlashAction::help:
      return print_error_stream(slash_help());
    case SlashAction::exit:
      return;  // run() does that
    case SlashAction::clear:
      conversation_.clear();
      return print_note("the conversation begins anew");
    case SlashAction::drop:
      return drop(argument);
    case SlashAction::regen:
      return regenerate();
    case SlashAction::system:
      conversation_.set_system(argument);
      return print_note(argument.empty() ? "no system message" : "the system message is set");
    case SlashAction::save:
      return save(argument);
    case SlashAction::load:
      return load(argument);
    case SlashAction::stats:
      return show_stats();
  }
}

void ChatLoop::ask(std::string text) {
  const Conversation before = conversation_;
  conversation_.ask(std::move(text));
  again_ = 0;
  if (!answer()) conversation_ = before;
}

void ChatLoop::regenerate() {
  if (options_.sampling.greedy()) return print_note("greedy answers are always the same: take a --temp above 0");
  const Conversation before = conversation_;
  if (!conversation_.take_back_answer()) return print_note("there is no message to answer yet");
  ++again_;
  if (!answer()) conversation_ = before;
}

bool ChatLoop::answer() {
  GenerateOptions options = options_;
  options.sampling.seed += again_;
  try {
    conversation_.prompt_into(options);
  } catch (const Error& error) {
    print_error(error.what());
    return false;
  }
  Answer answer;
  if (!generate(options, answer)) return false;
  const Completion& completion = answer.completion;
  const Completion& whole = answer.proposals.empty() ? completion : answer.proposals.front();
  pace_.prompt_tokens = whole.prompt_tokens;
  pace_.reused_tokens = whole.reused_tokens;
  pace_.tokens = static_cast<std::int32_t>(completion.tokens.size());
  pace_.context_tokens = completion.prompt_tokens + pace_.tokens;
  pace_.proposals = static_cast<std::int32_t>(answer.proposals.size());
  remark(completion);
  if (completion.text.empty() && completion.finish != Finish::end_token) return false;
  conversation_.answered(options, completion, session_.tokenizer());
  return true;
}

bool ChatLoop::generate(const GenerateOptions& options, Answer& answer) {
  const auto start = Clock::now();
  pace_ = {};
  const auto sink = [&](std::string_view text) {
    if (!text.empty() && pace_.first_seconds == 0) pace_.first_seconds = seconds_since(start);
    print(text);
    if (take_interrupt()) throw StopAnswer();
    check_interrupt();
  };
  try {
    answer = session_.generate(options, sink);
  } catch (const ContextFull& full) {
    print_error(full.what());
    print_note(std::string("the message is taken back; ") + kMakeRoom);
    return false;
  }
  pace_.seconds = seconds_since(start);
  print("\n");
  return true;
}

void ChatLoop::remark(const Completion& completion) const {
  switch (completion.finish) {
    case Finish::cancelled:
      return print_note(completion.text.empty() ? "(stopped; the message is taken back)" : "(stopped)");
    case Finish::max_tokens:
      return print_note(fmt::format("(ended after {} tokens: --tokens allows no more)", completion.tokens.size()));
    case Finish::context_full:
      return print_note(std::string("(the context is full: ") + kMakeRoom + ")");
    default:
      return;
  }
}

void ChatLoop::drop(const std::string& argument) {
  std::size_t count = 1;
  const char* const end = argument.data() + argument.size();
  if (!argument.empty()) {
    const auto [stop, failure] = std::from_chars(argument.data(), end, count);
    if (failure != std::errc() || stop != end) return print_note("/drop takes a number of turns, not " + argument);
  }
  std::size_t dropped = 0;
  while (dropped < count && conversation_.drop_oldest_turn()) ++dropped;
  print_note(fmt::format("{} forgotten, {} left", counted(dropped, "turn"), conversation_.turns()));
}

void ChatLoop::save(const std::string& path) const {
  try {
    write_file(path, chat_messages_to_json(conversation_.messages()));
    print_note(counted(conversation_.messages().size(), "message") + " written to " + path);
  } catch (const Error& error) {
    print_error(error.what());
  }
}

void ChatLoop::load(const std::string& path) {
  try {
    conversation_.load(chat_messages_from_json(read_file(path), path));
    again_ = 0;
    print_note(counted(conversation_.messages().size(), "message") + " read from " + path);
  } catch (const Error& error) {
    print_error(error.what());
  }
}

void ChatLoop::show_stats() const {
  std::string text;
  if (pace_.tokens > 0) {
    const double decoding = pace_.seconds - pace_.first_seconds;
    text =
        fmt::format("answer:   {} tokens, {} tokens/s, the first after {}\n", pace_.tokens,
                    format_rate(decoding > 0 ? (pace_.tokens - 1) / decoding : 0), format_seconds(pace_.first_seconds));
    text +=
        fmt::format("prompt:   {} tokens, {} of them in the cache before\n", pace_.prompt_tokens, pace_.reused_tokens);
    if (pace_.proposals > 0) text += fmt::format("          {} proposals\n", pace_.proposals);
  }
  text += fmt::format("context:  {} of {} tokens\n", pace_.context_tokens, session_.runner().limits().n_ctx);
  print_error_stream(text + fmt::format("messages: {} in {}\n", conversation_.messages().size(),
                                        counted(conversation_.turns(), "turn")));
}

}  // namespace covey
