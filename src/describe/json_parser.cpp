// parse_json: Boost.JSON checks the grammar and decodes strings; numbers are read from their text, as
// Boost 1.81 may be off by a unit in the last place.

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>

#include "base/error.hpp"
#include "base/numbers.hpp"
#include "describe/value.hpp"

namespace mpifarm::describe {
namespace {

namespace json = boost::json;

constexpr std::size_t max_depth = 100;

// Builds the tree. Of the containers still open, each is the last item of the one before, which does not grow
// meanwhile: so pointers to them stay good.
struct Builder {
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = max_object_size;
  static constexpr std::size_t max_key_size = max_object_size;
  static constexpr std::size_t max_string_size = max_object_size;

  Value root;
  JsonNumbers numbers = JsonNumbers::values;
  std::string number_error;
  std::size_t number_size = 0;  // of the number that number_error is about

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_array_begin(json::error_code&) { return open<Value::List>(); }
  bool on_array_end(std::size_t, json::error_code&) { return close(); }
  bool on_object_begin(json::error_code&) { return open<Value::Object>(); }
  bool on_object_end(std::size_t, json::error_code&) { return close(); }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) { return gather(part); }
  bool on_string(json::string_view last, std::size_t, json::error_code&) {
    return gather(last) && add(take());
  }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) { return gather(part); }
  bool on_key(json::string_view last, std::size_t, json::error_code&) {
    gather(last);
    key_ = take();
    return true;
  }
  bool on_number_part(json::string_view part, json::error_code&) { return gather(part); }
  bool on_int64(std::int64_t, json::string_view last, json::error_code& error) { return number(last, error); }
  bool on_uint64(std::uint64_t, json::string_view last, json::error_code& error) {
    return number(last, error);
  }
  bool on_double(double, json::string_view last, json::error_code& error) { return number(last, error); }
  bool on_bool(bool flag, json::error_code&) { return add(flag); }
  bool on_null(json::error_code&) { return add(nullptr); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  Value& place() {
    if (open_.empty()) return root;
    if (auto* items = std::get_if<Value::List>(&open_.back()->data)) return items->emplace_back();
    auto& fields = std::get<Value::Object>(open_.back()->data);
    return fields.emplace_back(std::move(key_), nullptr).second;
  }
  template <class T>
  bool add(T value) {
    place().data.emplace<T>(std::move(value));
    return true;
  }
  template <class Container>
  bool open() {
    Value& here = place();
    here.data.emplace<Container>();
    open_.push_back(&here);
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  bool gather(json::string_view part) {
    text_.append(part.data(), part.size());
    return true;
  }
  std::string take() { return std::exchange(text_, {}); }

  template <class T>
  bool add_if(std::string_view text) {
    T value{};
    number_error = parse_number(text, value);
    return number_error.empty() && add(value);
  }
  bool number(json::string_view last, json::error_code& error) {
    gather(last);
    const std::string text = take();
    if (numbers == JsonNumbers::texts) return add(text);
    const bool whole = text.find_first_of(".eE") == text.npos;
    if (whole && add_if<std::int64_t>(text)) return true;
    if (whole && text[0] != '-' && add_if<std::uint64_t>(text)) return true;
    if (add_if<double>(text)) return true;
    number_error = "number " + text + " is " + number_error;
    number_size = text.size();
    error = json::error::exponent_overflow;
    return false;
  }

  std::vector<Value*> open_;
  std::string key_;
  std::string text_;
};

[[noreturn]] void refuse(std::string_view text, std::size_t offset, const std::string& reason) {
  const std::string_view before = text.substr(0, offset);
  const auto line = 1 + std::ranges::count(before, '\n');
  const std::string_view in_line = before.substr(before.rfind('\n') + 1);  // npos + 1 is 0
  const auto column = 1 + std::ranges::count_if(
                              in_line, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
  const std::string in_text = text.find('\n') == text.npos ? "" : "line " + std::to_string(line) + ", ";
  throw BadInput{"not valid JSON (" + in_text + "column " + std::to_string(column) + ": " + reason + ")"};
}

}  // namespace

Value parse_json(std::string_view text, JsonNumbers numbers) {
  json::parse_options options;
  options.max_depth = max_depth;
  json::basic_parser<Builder> parser{options};
  parser.handler().numbers = numbers;
  json::error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (!error && used < text.size()) error = json::error::extra_data;
  if (error) {
    const Builder& builder = parser.handler();
    std::string reason = builder.number_size > 0 ? builder.number_error : error.message();
    if (error == json::error::syntax && used < text.size() && static_cast<unsigned char>(text[used]) >= 0x80)
      reason = "bytes that are not UTF-8, or not in a string";
    refuse(text, used - builder.number_size, reason);
  }
  return std::move(parser.handler().root);
}

}  // namespace mpifarm::describe
