#pragma once
// Commands with fields in braces: in "--seed={seed:04d}" stands the value of `seed`; "{{" and "}}" are
// braces.

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mpifarm::exec {

using Values = std::map<std::string, std::string>;  // of a task's fields, by name

// One text. Immutable; any thread.
class Template {
 public:
  // Throws BadInput naming `what` and the text when a brace has no partner, a field no name, or its format is
  // none: those of fmt, for an integer (d, x, o, b), a number (e, f, g) or text (s).
  Template(std::string_view what, std::string_view text);

  // Throws BadInput for a value that is none for the field's format, as "{seed:04d} needs an integer (...)",
  // and for a field that has none.
  std::string fill(const Values& values) const;
  // The same, with each value in single quotes as the shell wants it (sh(1)): one word, whatever is in it.
  std::string fill_quoted(const Values& values) const;
  // For fill_quoted: throws BadInput when a field stands where its own quotes would not make it one word:
  // inside quotes, behind a backslash, in a comment, behind "<<". `place`: 0 before the first word of a line;
  // then as it was left.
  void check_unquoted(char& place) const;
  void add_fields(std::set<std::string>& names) const;
  bool has_format(const std::string& field) const;
  // Throws BadInput when a format for the field does not take the value.
  void check(const std::string& field, const std::string& value) const;

 private:
  struct Part {
    std::string literal;        // or
    std::string field, format;  // of a value
  };

  template <class Quote>
  std::string filled(const Values& values, Quote quote) const;

  std::vector<Part> parts_;
};

// For sh: as it stands where that is safe, else in single quotes.
std::string shell_quoted(std::string_view text);

// As a shell would be given them.
std::string shell_line(const std::vector<std::string>& words);

}  // namespace mpifarm::exec
