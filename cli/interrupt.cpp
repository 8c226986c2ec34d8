#include "cli/interrupt.hpp"

#include <csignal>

namespace covey {

namespace {

volatile std::sig_atomic_t last_signal = 0;

void note(int signal_number) { last_signal = signal_number; }

}  // namespace

void watch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = note;
  // Back to the default after the first: the second signal ends the program whatever it is doing.
  action.sa_flags = SA_RESETHAND;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

void ignore_closed_pipes() { std::signal(SIGPIPE, SIG_IGN); }

int interrupt_code() noexcept { return last_signal == 0 ? 0 : 128 + last_signal; }

bool take_interrupt() {
  if (last_signal != SIGINT) return false;
  last_signal = 0;
  watch_interrupts();
  return true;
}

void check_interrupt() {
  if (last_signal != 0) throw Interrupted();
}

}  // namespace covey
