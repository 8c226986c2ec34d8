// `--ranks N`: the program starts mpirun on itself, with the flags that more ranks than cores need.
#pragma once

namespace covey {

/// Replaces this process by N ranks of the same command line. Throws Error if mpirun can't be started, UsageError under
/// mpirun, where the ranks are there already.
[[noreturn]] void relaunch_over(int ranks, int argc, char** argv);

}  // namespace covey
