#pragma once
// One command's flags, and the words that a user gave for them. Hides the library that takes the line apart.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/error.hpp"
#include "base/numbers.hpp"

namespace mpifarm::app {

// Declare flags, parse(), then ask. Every value stays text until it is asked for. Names have their dashes; of
// several for one flag ("--quiet,-q"), all together are its name. One thread.
class CommandLine {
 public:
  // `name`: behind "mpifarm". `many`: of the positional argument there may be several.
  CommandLine(const std::string& description, const std::string& name, bool many = false);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // Under which heading --help shows the flags declared from now on.
  void heading(std::string text) { heading_ = std::move(text); }
  void value(const std::string& name, const std::string& type, const std::string& help);
  void repeated(const std::string& name, const std::string& type, const std::string& help);
  void on_off(const std::string& name, const std::string& help);
  void positional(const std::string& name, const std::string& help);
  // Whether a value follows this word.
  bool takes_value(const std::string& word) const;

  // Returns the help text when that is asked for. Throws BadInput for what does not belong there.
  std::optional<std::string> parse(std::vector<std::string> arguments);

  // Null when it was not given; the first, where it is repeated.
  const std::string* given(const std::string& flag) const;
  const std::vector<std::string>& all_given(const std::string& flag) const { return texts_.at(flag); }
  // Whether a switch is on; it may have been given a value.
  bool is_on(const std::string& flag) const;
  // A number in a range, whole or not as T is; nothing when it was not given.
  template <class T>
  std::optional<T> number(const std::string& flag, T least, T most) const {
    const std::string* text = given(flag);
    if (text == nullptr) return std::nullopt;
    return parse_in(flag, *text, least, most, "");
  }
  // Also nothing for "auto".
  template <class T>
  std::optional<T> number_or_auto(const std::string& flag, T least, T most) const {
    const std::string* text = given(flag);
    if (text == nullptr || *text == "auto") return std::nullopt;
    return parse_in(flag, *text, least, most, ", or auto");
  }
  // At least one; `name` is that of the positional argument.
  const std::vector<std::string>& positionals(const std::string& name) const;
  // Exactly one.
  const std::string& the_positional(const std::string& name) const;

 private:
  struct Parser;

  template <class T>
  static T parse_in(const std::string& flag, const std::string& text, T least, T most, const char* instead) {
    T value{};
    std::string why = parse_number(text, value);
    if (why.empty() && !(value >= least && value <= most)) why = "out of range";
    if (why.empty()) return value;
    std::string range = std::is_integral_v<T> ? "a whole number from " : "a number from ";
    append_number(range, least);
    range += " to ";
    append_number(range, most);
    throw BadInput{flag + " is " + why + " (\"" + text + "\"); give " + range + instead};
  }
  [[noreturn]] void refuse(const std::string& argument) const;

  std::string name_;
  std::string heading_ = "Options";
  std::map<std::string, std::vector<std::string>> texts_;  // flag -> values
  std::unique_ptr<Parser> parser_;
};

}  // namespace mpifarm::app
