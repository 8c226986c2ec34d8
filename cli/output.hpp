// Standard output, checked: a full disk is an error, a reader that left is not.
#pragma once

#include <string_view>

namespace covey {

/// Thrown when nobody reads standard output any more; the program ends quietly.
class OutputClosed {};

/// Writes all of `text` to standard output at once (there is no buffer to lose). Throws OutputClosed if its reader is
/// gone, Error if it can't be written.
void print(std::string_view text);

/// Writes to standard error; what can't be written there is dropped, for there is nowhere left to say so.
void print_error_stream(std::string_view text) noexcept;

/// A remark in passing, as a line on standard error: faint on a terminal.
void print_note(std::string_view note) noexcept;

/// "error: <message>", coloured on a terminal.
void print_error(std::string_view message) noexcept;

bool stderr_is_terminal();
bool stdout_is_terminal();
bool stdin_is_terminal();

/// Whether the user leaves it to the program to use colours on terminals ($NO_COLOR).
bool colours_allowed();

}  // namespace covey
