#pragma once
// The command-line flags of a described struct. Which library takes the command line apart is not known here.

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "describe/fields.hpp"
#include "describe/text.hpp"

namespace mpifarm::describe {

struct FlagInfo {
  std::string name;  // "--max-size", of the field max_size
  std::string field;
  std::string type_name;  // "integer", "number", "text", "path", "yes|no", "one of a|b"; of a repeated flag,
                          // of each item
  std::string help;       // what it means, where the job says
  std::string default_text;  // items joined by commas; empty for an optional that is empty
  bool repeated = false;     // a vector: may be given many times
  bool is_switch = false;    // a bool: may be given without a value
  bool is_words = false;     // takes what stands behind --, and is no flag
  bool is_list = false;      // names the list of the run's tasks, as --tasks does
};

using GivenFlag =
    std::pair<std::string, std::string>;  // name with its dashes, and text; "" for a switch without value

// "--max-size" of "max_size".
std::string flag_name(std::string_view field);

// Throws BadInput for a flag that is none of `flags`, with the nearest, or that is given twice and not
// repeated.
void check_flags(std::span<const GivenFlag> given, std::span<const FlagInfo> flags);

namespace detail {
template <class T>
inline constexpr bool holds_struct = Described<T>;
template <class T>
requires(Optional<T> || Vector<T> || Array<T> ||
         TextMap<T>) inline constexpr bool holds_struct<T> = holds_struct<Element<T>>;

template <class T>
std::string default_text(const T& value) {
  if constexpr (Vector<T>) {
    std::vector<std::string> texts;
    texts.reserve(value.size());
    for (const Element<T>& item : value) texts.push_back(text_of(item));
    return joined(texts, ", ");
  } else {
    return text_of(value);
  }
}

// Sets `member` from one more occurrence of its flag.
template <class T>
void set_flag(T& member, const GivenFlag& given, bool first) {
  if constexpr (Vector<T>) {
    if (first) member.clear();
    Element<T> item{};
    read_text(given.second, item, given.first);
    member.push_back(std::move(item));
  } else {
    constexpr bool is_switch = std::same_as<T, bool>;
    read_text(is_switch && given.second.empty() ? std::string_view{"true"} : given.second, member,
              given.first);
  }
}
}  // namespace detail

// What may stand in a column of a list.
struct FieldInfo {
  std::string name;
  std::string type_name;     // as in FlagInfo, or "JSON list", "JSON object"
  std::string default_text;  // of a missing column
};

// In the order of the fields. Defaults are those of a T made with `T{}`.
template <Described T>
std::vector<FieldInfo> fields_of() {
  std::vector<FieldInfo> fields;
  const T defaults{};
  for_each_field(defaults, [&]<class Member>(std::string_view name, const Member& member) {
    fields.push_back({std::string{name}, type_name<Member>(), text_of(member)});
  });
  return fields;
}

template <Described T>
std::vector<FlagInfo> flags_of() {
  std::vector<FlagInfo> flags;
  const T defaults{};
  for_each_field(defaults, [&]<class Member>(std::string_view name, const Member& member) {
    static_assert(
        !detail::holds_struct<Member>,
        "a struct inside Params cannot be a flag: give its members to Params, or read it from a file");
    FlagInfo& flag = flags.emplace_back();
    flag.name = flag_name(name);
    flag.field = name;
    flag.default_text = detail::default_text(member);
    flag.repeated = Vector<Member>;
    flag.is_switch = std::same_as<Member, bool>;
    if constexpr (Vector<Member>)
      flag.type_name = type_name<Element<Member>>();
    else
      flag.type_name = type_name<Member>();
  });
  return flags;
}

// Sets the fields of the flags given, in the order given. The items of a repeated flag replace the default.
// Throws BadInput
// `--to is REASON ("12x"); ADVICE`; `params` is then partly set.
template <Described T>
void set_flags(T& params, std::span<const GivenFlag> given) {
  check_flags(given, flags_of<T>());
  for_each_field(params, [&](std::string_view name, auto& member) {
    bool first = true;
    for (const GivenFlag& flag : given)
      if (flag.first == flag_name(name)) detail::set_flag(member, flag, std::exchange(first, false));
  });
}

}  // namespace mpifarm::describe
