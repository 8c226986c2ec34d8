// Text that commands work on: from a file or from standard input.
#pragma once

#include <string>

namespace covey {

/// All bytes of `path`. Throws Error naming it.
std::string read_file(const std::string& path);

/// Standard input to its end. Throws Interrupted, or Error if it can't be read.
std::string read_stdin();

/// Without the line end that closes the last line of a text file: it is the editor's, not the author's.
std::string without_last_newline(std::string text);

}  // namespace covey
