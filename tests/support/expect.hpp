#pragma once
// Waiting for what other threads do, and the messages of refusals.

#include <chrono>
#include <string>
#include <thread>
#include <typeinfo>

#include "base/clock.hpp"

namespace mpifarm::support {

// Whether `condition` comes to hold within a deadline that only a hang misses.
template <class Condition>
bool eventually(Condition condition, std::chrono::seconds within = std::chrono::seconds{60}) {
  const TimePoint deadline = Clock::now() + within;
  while (!condition()) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::microseconds{100});
  }
  return true;
}

// The text of the `Error` that `f` throws, or what happened instead.
template <class Error, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string{"another exception: "} + typeid(error).name() + ": " + error.what();
  }
  return "nothing was thrown";
}

}  // namespace mpifarm::support
