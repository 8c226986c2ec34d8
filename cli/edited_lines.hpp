// Lines typed at a terminal, with editing and a history, by libedit.
#pragma once

#include <histedit.h>

#include <string>

#include "cli/message_reader.hpp"

namespace covey {

class EditedLines final : public LineSource {
 public:
  /// `history_file`: where lines are kept from one run to the next; empty: nowhere. Throws Error if the terminal can't
  /// be used, or the file can't be read though it is there.
  explicit EditedLines(std::string history_file);
  /// Writes the history; remarks on standard error if that fails.
  ~EditedLines() override;
  EditedLines(const EditedLines&) = delete;
  EditedLines& operator=(const EditedLines&) = delete;

  std::optional<Line> next(bool continues) override;

 private:
  enum class Read { line, end, interrupt };

  static EditedLines& of(EditLine* editor);
  static char* prompt_of(EditLine* editor);
  static int read_character(EditLine* editor, wchar_t* character);
  int read_character(wchar_t& character);
  bool read_byte(std::string& bytes);
  void remember(const std::string& line);

  EditLine* editor_ = nullptr;
  ::History* history_ = nullptr;
  std::string history_file_;
  std::string prompt_;
  bool interrupted_ = false;
  bool followed_ = false;  // bytes came together with the last line's end
};

}  // namespace covey
