#include "cli/interrupt.hpp"

#include <poll.h>
#include <unistd.h>

#include <csignal>

namespace covey {

namespace {

// A signal that comes just before the wait, or on another thread, does not end it: it is looked for this often.
constexpr int kLookMs = 100;

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

bool wait_for_input() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  while (last_signal == 0) {
    if (::poll(&input, 1, kLookMs) > 0) return true;
  }
  return false;
}

void check_interrupt() {
  if (last_signal != 0) throw Interrupted();
}

}  // namespace covey
