#include "describe/value.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "base/numbers.hpp"

namespace mpifarm::describe {
namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// Bytes of the UTF-8 character at the front of `text`, or 0 when there is none (Unicode 15, table 3-7).
std::size_t character_size(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return 0;
  if (!std::all_of(text.begin() + 1, text.begin() + size, is_continuation)) return 0;
  const bool too_long_a_form = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
  const bool surrogate = lead == 0xed && byte(1) >= 0xa0;
  const bool beyond_unicode = lead == 0xf4 && byte(1) >= 0x90;
  return too_long_a_form || surrogate || beyond_unicode ? 0 : size;
}

bool stands_for_itself(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

void append_escaped(Bytes& out, char c) {
  constexpr std::string_view special = "\"\\\b\f\n\r\t";
  constexpr std::string_view letters = "\"\\bfnrt";
  constexpr std::string_view hex = "0123456789abcdef";
  out += '\\';
  if (const std::size_t i = special.find(c); i != special.npos) {
    out += letters[i];
  } else {
    out += "u00";
    out += hex[static_cast<unsigned char>(c) >> 4];
    out += hex[static_cast<unsigned char>(c) & 15];
  }
}

template <class T>
void append_floating(Bytes& out, T number) {
  if (!std::isfinite(number)) {
    out += std::isnan(number) ? "\"nan\"" : number > 0 ? "\"inf\"" : "\"-inf\"";
  } else {
    append_number(out, number);
    if (number == 0 && std::signbit(number))
      out += ".0";  // "-0" would be read as an integer, which has no sign at zero
  }
}

class Writer {
 public:
  Writer(Bytes& out, unsigned indent) : out_{out}, indent_{indent} {}

  void write(const Value& value) {
    std::visit([this](const auto& held) { put(held); }, value.data);
  }

 private:
  void put(std::nullptr_t) { out_ += "null"; }
  void put(bool flag) { out_ += flag ? "true" : "false"; }
  void put(std::int64_t number) { append_number(out_, number); }
  void put(std::uint64_t number) { append_number(out_, number); }
  void put(double number) { append_json_number(out_, number); }
  void put(const std::string& text) { append_json_string(out_, text); }
  void put(const Value::List& items) {
    put_items('[', items, ']', [this](const Value& item) { write(item); });
  }
  void put(const Value::Object& fields) {
    put_items('{', fields, '}', [this](const auto& field) {
      append_json_string(out_, field.first);
      out_ += indent_ > 0 ? ": " : ":";
      write(field.second);
    });
  }
  void put_items(char open, const auto& items, char close, const auto& put_one) {
    out_ += open;
    ++depth_;
    bool first = true;
    for (const auto& item : items) {
      if (!std::exchange(first, false)) out_ += ',';
      new_line();
      put_one(item);
    }
    --depth_;
    if (!first) new_line();
    out_ += close;
  }
  void new_line() {
    if (indent_ == 0) return;
    out_ += '\n';
    out_.append(depth_ * indent_, ' ');
  }

  Bytes& out_;
  unsigned indent_;
  std::size_t depth_ = 0;
};

}  // namespace

const Value* Value::find(std::string_view key) const {
  const Object* fields = as<Object>();
  if (fields == nullptr) return nullptr;
  const auto found = std::ranges::find(*fields, key, [](const auto& field) { return field.first; });
  return found == fields->end() ? nullptr : &found->second;
}

bool operator==(const Value& a, const Value& b) { return a.data == b.data; }

std::string to_json(const Value& value, unsigned indent) {
  std::string out;
  Writer{out, indent}.write(value);
  return out;
}

void append_json(Bytes& out, const Value& value) { Writer{out, 0}.write(value); }

void append_json_string(Bytes& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const auto plain =
        static_cast<std::size_t>(std::ranges::find_if_not(text, stands_for_itself) - text.begin());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const std::size_t size = character_size(text);
    if (size == 0)
      out += "\xef\xbf\xbd";
    else if (size == 1)
      append_escaped(out, text[0]);
    else
      out += text.substr(0, size);
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  out += '"';
}

void append_json_number(Bytes& out, double number) { append_floating(out, number); }
void append_json_number(Bytes& out, float number) { append_floating(out, number); }

}  // namespace mpifarm::describe
