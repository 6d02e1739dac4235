#include "describe/json.hpp"

namespace mpifarm::describe {

std::string Place::text() const {
  std::string out = around != nullptr ? around->text() : std::string{};
  if (index != npos) return out + '[' + std::to_string(index) + ']';
  if (!out.empty() && !key.empty()) out += '.';
  return out.append(key);
}

std::string Place::where() const {
  const std::string out = text();
  return out.empty() ? "the value" : out;
}

void refuse_value(const Place& place, std::string_view reason, const Value& value, std::string_view advice) {
  constexpr std::size_t most_bytes = 60;
  std::string shown;
  if (const auto* text = value.as<std::string>()) {
    shown = excerpt(*text);
  } else {
    append_json(shown, value);
    if (shown.size() > most_bytes)
      shown = value.as<Value::List>() != nullptr ? "a long list" : "a large object";
  }
  refuse(place.where(), reason, shown, advice);
}

void refuse_key(const Place& place, std::string_view key, std::span<const std::string> names) {
  refuse(Place{&place, key}.where(), "not a field", excerpt(key), name_advice(key, names, "fields"));
}

void refuse_repeated(const Place& place) { throw BadInput{place.where() + " is given twice; give it once"}; }

void refuse_count(const Place& place, std::size_t given, std::size_t wanted) {
  refuse(place.where(), "a list of the wrong length", std::to_string(given),
         "give " + std::to_string(wanted) + (wanted == 1 ? " item" : " items"));
}

}  // namespace mpifarm::describe
