// The program: command line in, exit code out.
#pragma once

namespace covey {

/// Parses the command line, carries the command out, and reports what went wrong. Never throws.
int run_program(int argc, char** argv) noexcept;

}  // namespace covey
