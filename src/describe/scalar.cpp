#include "describe/scalar.hpp"

#include <algorithm>
#include <cctype>

#include "base/error.hpp"
#include "describe/value.hpp"

namespace mpifarm::describe {

std::string excerpt(std::string_view text) {
  constexpr std::size_t most_bytes = 60;
  std::size_t size = std::min(text.size(), most_bytes);
  while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  std::string out;
  append_json_string(out, text.substr(0, size));
  if (size < text.size()) out += "...";
  return out;
}

std::string joined(std::span<const std::string> texts, std::string_view separator) {
  std::string out;
  for (const std::string& text : texts) {
    if (&text != texts.data()) out += separator;
    out += text;
  }
  return out;
}

void refuse(std::string_view where, std::string_view reason, std::string_view shown,
            std::string_view advice) {
  std::string message{where};
  message.append(" is ").append(reason).append(" (").append(shown).append("); ").append(advice);
  throw BadInput{message};
}

std::string name_advice(std::string_view typed, std::span<const std::string> names,
                        std::string_view what_names_are) {
  if (const std::string name = nearest_name(typed, names); !name.empty()) return "did you mean " + name + "?";
  if (names.empty()) return "there are no " + std::string{what_names_are};
  return "the " + std::string{what_names_are} + " are " + joined(names, ", ");
}

std::string parse_bool(std::string_view text, bool& value) {
  const auto is = [&](std::string_view word) {
    return std::ranges::equal(text, word, {}, [](unsigned char c) { return std::tolower(c); });
  };
  if (is("true") || is("yes") || is("1"))
    value = true;
  else if (is("false") || is("no") || is("0"))
    value = false;
  else
    return "neither true nor false";
  return {};
}

}  // namespace mpifarm::describe
