// Text that commands read and write: files and standard input.
#pragma once

#include <string>
#include <string_view>

namespace covey {

/// All bytes of `path`. Throws Error naming it.
std::string read_file(const std::string& path);

/// Throws Error naming `path` if not all of `text` could be written.
void write_file(const std::string& path, std::string_view text);

/// Standard input to its end. Throws Interrupted, or Error if it can't be read.
std::string read_stdin();

/// Without the line end that closes the last line of a text file: it is the editor's, not the author's.
std::string without_last_newline(std::string text);

}  // namespace covey
