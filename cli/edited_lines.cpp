#include "cli/edited_lines.hpp"

#include <langinfo.h>
#include <poll.h>
#include <unistd.h>

#include <clocale>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/plain_lines.hpp"
#include "covey/error.hpp"
#include "third_party_free_formats/utf8.hpp"

namespace covey {

namespace {

constexpr int kHistoryLines = 1000;

// Lines pasted together arrive together; the pause bridges what a slow connection puts between them.
constexpr int kPastePauseMs = 10;

// libedit writes characters through the C library, which must know that they are UTF-8.
void speak_utf8() {
  std::setlocale(LC_CTYPE, "");
  if (std::string_view(nl_langinfo(CODESET)) != "UTF-8") std::setlocale(LC_CTYPE, "C.UTF-8");
}

// `character` is well-formed UTF-8.
wchar_t code_point(std::string_view character) {
  const auto first = static_cast<unsigned char>(character.front());
  if (character.size() == 1) return static_cast<wchar_t>(first);
  unsigned code = first & (0x7FU >> character.size());
  for (const char c : character.substr(1)) code = code << 6U | (static_cast<unsigned char>(c) & 0x3FU);
  return static_cast<wchar_t>(code);
}

// The prompt in bold; the marks tell libedit that the codes between them take no room. It leaves out codes at the very
// end: the space comes after them.
std::string dressed(std::string_view prompt) {
  if (!colours_allowed()) return std::string(prompt);
  const std::size_t space = prompt.size() - 1;
  return "\x01\x1b[1m\x01" + std::string(prompt.substr(0, space)) + "\x01\x1b[0m\x01 ";
}

}  // namespace

EditedLines::EditedLines(std::string history_file) : history_file_(std::move(history_file)) {
  speak_utf8();
  editor_ = el_init("covey", stdin, stdout, stderr);
  history_ = history_init();
  if (editor_ == nullptr || history_ == nullptr) throw Error("the terminal can't be used for editing lines");
  HistEvent event;
  history(history_, &event, H_SETSIZE, kHistoryLines);
  history(history_, &event, H_SETUNIQUE, 1);
  if (!history_file_.empty() && ::access(history_file_.c_str(), F_OK) == 0 &&
      history(history_, &event, H_LOAD, history_file_.c_str()) < 0) {
    throw Error("--history: " + history_file_ + " can't be read as a history of lines");
  }
  el_set(editor_, EL_CLIENTDATA, this);
  el_set(editor_, EL_EDITOR, "emacs");
  el_set(editor_, EL_PROMPT_ESC, &EditedLines::prompt_of, '\x01');
  el_set(editor_, EL_HIST, history, history_);
  el_set(editor_, EL_GETCFN, static_cast<int (*)(EditLine*, wchar_t*)>(&EditedLines::read_character));
  el_set(editor_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  el_source(editor_, nullptr);  // the user's ~/.editrc
}

EditedLines::~EditedLines() {
  HistEvent event;
  if (!history_file_.empty() && history(history_, &event, H_SAVE, history_file_.c_str()) < 0) {
    print_note("the history can't be written to " + history_file_);
  }
  history_end(history_);
  el_end(editor_);
}

EditedLines& EditedLines::of(EditLine* editor) {
  void* lines = nullptr;
  el_get(editor, EL_CLIENTDATA, &lines);
  return *static_cast<EditedLines*>(lines);
}

char* EditedLines::prompt_of(EditLine* editor) { return of(editor).prompt_.data(); }

int EditedLines::read_character(EditLine* editor, wchar_t* character) { return of(editor).read_character(*character); }

// 1: a character; 0: the end of the input; -1: an interrupt.
int EditedLines::read_character(wchar_t& character) {
  std::string bytes;
  Utf8Step step{1, Utf8State::truncated};
  while (step.state == Utf8State::truncated && bytes.size() < 4) {
    if (!read_byte(bytes)) return interrupted_ ? -1 : 0;
    step = utf8_step(bytes);
  }
  const bool whole = step.state == Utf8State::complete && step.length == bytes.size();
  character = code_point(whole ? std::string_view(bytes) : kReplacementCharacter);
  if (character == L'\n' || character == L'\r') {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    followed_ = ::poll(&input, 1, kPastePauseMs) > 0 && (input.revents & POLLIN) != 0;
  }
  return 1;
}

bool EditedLines::read_byte(std::string& bytes) {
  interrupted_ = !wait_for_input();
  if (interrupted_) return false;
  char byte = 0;
  const ssize_t got = ::read(STDIN_FILENO, &byte, 1);
  if (got == 1) bytes += byte;
  return got == 1;
}

void EditedLines::remember(const std::string& line) {
  HistEvent event;
  if (line.find_first_not_of(" \t") != std::string::npos) history(history_, &event, H_ENTER, line.c_str());
}

std::optional<LineSource::Line> EditedLines::next(bool continues) {
  prompt_ = dressed(continues ? kContinuationPrompt : kChatPrompt);
  while (true) {
    interrupted_ = followed_ = false;
    // Before the prompt is shown, or the terminal would take the first keys for its own.
    el_set(editor_, EL_PREP_TERM, 1);
    int length = 0;
    const char* typed = el_gets(editor_, &length);
    if (interrupted_) {
      print("\n");
      if (!take_interrupt()) check_interrupt();
      print_note(kHowToLeave);
      continue;
    }
    if (typed == nullptr || length <= 0) {
      print("\n");
      return std::nullopt;
    }
    Line line{std::string(typed, static_cast<std::size_t>(length)), followed_};
    while (line.text.ends_with('\n') || line.text.ends_with('\r')) line.text.pop_back();
    remember(line.text);
    return line;
  }
}

}  // namespace covey
