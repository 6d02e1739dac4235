#include "exec/command_template.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/error.hpp"
#include "base/numbers.hpp"
#include "base/printable.hpp"

namespace mpifarm::exec {
namespace {

enum class Kind { integer, number, text };

Kind kind_of(std::string_view format) {
  const char last = format.empty() ? 's' : format.back();
  if (std::string_view{"dxXobB"}.find(last) != std::string_view::npos) return Kind::integer;
  if (std::string_view{"eEfFgGaA"}.find(last) != std::string_view::npos) return Kind::number;
  return Kind::text;
}

template <class Value>
std::string formatted(const std::string& format, const Value& value) {
  return fmt::format(fmt::runtime("{:" + format + "}"), value);
}

// Throws fmt::format_error when it is no format.
void try_format(const std::string& format) {
  switch (kind_of(format)) {
    case Kind::integer:
      formatted(format, std::int64_t{0});
      break;
    case Kind::number:
      formatted(format, 0.0);
      break;
    case Kind::text:
      formatted(format, std::string_view{});
  }
}

std::string format_value(const std::string& field, const std::string& format, const std::string& value) {
  if (format.empty()) return value;
  const auto refuse = [&](const char* wanted) -> std::string {
    throw BadInput{"{" + field + ":" + format + "} needs " + wanted + " (\"" + printable(value) +
                   "\"); change the value, or the format"};
  };
  switch (kind_of(format)) {
    case Kind::integer: {
      std::int64_t integer = 0;
      return parse_number(value, integer).empty() ? formatted(format, integer) : refuse("an integer");
    }
    case Kind::number: {
      double number = 0;
      return parse_number(value, number).empty() ? formatted(format, number) : refuse("a number");
    }
    default:
      return formatted(format, value);
  }
}

// Where in a line of sh(1) a value cannot stand, as its own quotes would mean something else; a kind of
// quotes by its own character. 0: anywhere else.
constexpr char comment = '#', here_text = '<', escape = '\\', escape_in_quotes = 'q', escape_in_command = 'c';

char place_behind(char place, char before, char c) {
  constexpr std::string_view word_ends{" \t\n;&|()"};
  switch (place) {
    case here_text:  // to the end: where its text ends is not looked for
      return here_text;
    case comment:
      return c == '\n' ? '\0' : comment;
    case escape:
      return 0;
    case escape_in_quotes:
      return '"';
    case escape_in_command:
      return '`';
    case '\'':
      return c == '\'' ? '\0' : place;
    case '"':
      return c == '\\' ? escape_in_quotes : c == '"' ? '\0' : place;
    case '`':
      return c == '\\' ? escape_in_command : c == '`' ? '\0' : place;
    default:
      if (c == '\'' || c == '"' || c == '`' || c == escape) return c;
      if (c == '#' && word_ends.find(before) != word_ends.npos) return comment;
      return c == '<' && before == '<' ? here_text : '\0';
  }
}

std::string text_of_place(char place) {
  switch (place) {
    case comment:
      return "in a comment of the command";
    case here_text:
      return "behind << in the command";
    case escape:
      return "behind a backslash of the command";
    default:
      return std::string{"inside quotes of the command ("} +
             (place == escape_in_quotes    ? '"'
              : place == escape_in_command ? '`'
                                           : place) +
             ")";
  }
}

[[noreturn]] void refuse(std::string_view what, std::string_view text, const std::string& why) {
  throw BadInput{std::string{what} + " is not understood (" + why + ": \"" + printable(text) +
                 "\"); write {name} or {name:format} for a value, {{ and }} for braces"};
}

}  // namespace

Template::Template(std::string_view what, std::string_view text) {
  std::string literal;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const bool doubled = at + 1 < text.size() && text[at + 1] == c;
    if ((c == '{' || c == '}') && doubled) {
      literal += c;
      ++at;
    } else if (c == '}') {
      refuse(what, text, "a brace is closed that was not opened");
    } else if (c != '{') {
      literal += c;
    } else {
      const std::size_t end = text.find_first_of("{}", at + 1);
      if (end == text.npos || text[end] == '{') refuse(what, text, "a brace is not closed");
      const std::string_view inside = text.substr(at + 1, end - at - 1);
      const std::size_t colon = std::min(inside.find(':'), inside.size());
      Part part{{}, std::string{inside.substr(0, colon)}, {}};
      if (colon < inside.size()) part.format = inside.substr(colon + 1);
      if (part.field.empty()) refuse(what, text, "a field has no name");
      try {
        try_format(part.format);
      } catch (const fmt::format_error&) {
        refuse(what, text, "{" + std::string{inside} + "} has no format that is known");
      }
      if (!literal.empty()) parts_.push_back({std::exchange(literal, {}), {}, {}});
      parts_.push_back(std::move(part));
      at = end;
    }
  }
  if (!literal.empty()) parts_.push_back({literal, {}, {}});
}

template <class Quote>
std::string Template::filled(const Values& values, Quote quote) const {
  std::string text;
  for (const Part& part : parts_) {
    if (part.field.empty()) {
      text += part.literal;
      continue;
    }
    const auto value = values.find(part.field);
    if (value == values.end())
      throw BadInput{"{" + part.field + "} has no value (the task has no such field); give it one"};
    text += quote(format_value(part.field, part.format, value->second));
  }
  return text;
}

std::string Template::fill(const Values& values) const {
  return filled(values, [](std::string value) { return value; });
}

std::string Template::fill_quoted(const Values& values) const { return filled(values, shell_quoted); }

void Template::add_fields(std::set<std::string>& names) const {
  for (const Part& part : parts_)
    if (!part.field.empty()) names.insert(part.field);
}

void Template::check_unquoted(char& place) const {
  if (place == escape) place = 0;  // it stood before the blank between two words
  char before = ' ';
  for (const Part& part : parts_) {
    if (!part.field.empty() && place != 0)
      throw BadInput{"{" + part.field + "} stands " + text_of_place(place) +
                     "; leave them out there: --shell quotes each value by itself, as one word"};
    for (const char c : part.literal) {
      place = place_behind(place, before, c);
      before = c;
    }
    if (!part.field.empty()) before = 0;  // no blank
  }
}

bool Template::has_format(const std::string& field) const {
  return std::ranges::any_of(parts_,
                             [&](const Part& part) { return part.field == field && !part.format.empty(); });
}

void Template::check(const std::string& field, const std::string& value) const {
  for (const Part& part : parts_)
    if (part.field == field && !part.format.empty()) format_value(field, part.format, value);
}

std::string shell_quoted(std::string_view text) {
  const auto is_safe = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"_-+./,:@%="}.find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::ranges::all_of(text, is_safe)) return std::string{text};
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'')
      quoted += "'\\''";
    else
      quoted += c;
  }
  return quoted + '\'';
}

std::string shell_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty()) line += ' ';
    line += shell_quoted(word);
  }
  return line;
}

}  // namespace mpifarm::exec
