// Ctrl-C and SIGTERM end the work at the next token or piece of loading; a second one ends the program at once.
#pragma once

#include "covey/error.hpp"

namespace covey {

/// Thrown by check_interrupt; an Error, so that it passes through the library as any failure of this rank does.
class Interrupted : public Error {
 public:
  Interrupted() : Error("interrupted") {}
};

/// Installs the handlers.
void watch_interrupts();

/// SIGPIPE no longer ends the program: a closed pipe is seen where it is written to.
void ignore_closed_pipes();

/// 0, or the exit code of a program ended by the signal that came (130 for Ctrl-C).
int interrupt_code() noexcept;

/// Whether Ctrl-C has come. It is forgotten, and the next is waited for: for programs that go on after it.
bool take_interrupt();

/// Waits until standard input has something to read, or has ended. False if a signal comes first.
bool wait_for_input();

/// Throws Interrupted once a signal has come.
void check_interrupt();

}  // namespace covey
