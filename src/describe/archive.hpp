#pragma once
// One `serialize` for every described struct, for Packer and Unpacker and for Boost's archives alike.
//
// With a Boost archive, include as ever the header of Boost.Serialization for each container used
// (vector.hpp, map.hpp, ...).

#include <boost/serialization/nvp.hpp>
#include <boost/serialization/serialization.hpp>
#include <filesystem>
#include <optional>
#include <string>

#include "describe/check.hpp"
#include "describe/fields.hpp"

namespace mpifarm {
class Packer;
class Unpacker;
}  // namespace mpifarm

namespace mpifarm::describe {

// Unpacks a described struct that may have grown at its end since it was packed: the fields that `in` has no
// bytes for keep their defaults.
template <class Unpack, Described T>
void unpack_grown(Unpack& in, T& value) {
  for_each_field(value, [&](std::string_view, auto& member) {
    if (!in.rest().empty()) in& member;
  });
}

}  // namespace mpifarm::describe

namespace boost::serialization {

// XML archives need the names; packing has no use for them.
template <class Archive, mpifarm::describe::Described T>
requires(!mpifarm::describe::SerializesItself<T>) void serialize(Archive& archive, T& value,
                                                                 const unsigned int /*version*/) {
  mpifarm::describe::for_each_field(value, [&](std::string_view name, auto& member) {
    if constexpr (mpifarm::describe::OneOf<Archive, mpifarm::Packer, mpifarm::Unpacker>)
      archive& member;
    else
      archive& make_nvp(name.data(), member);
  });
}

template <class Archive, class T>
void serialize(Archive& archive, std::optional<T>& value, const unsigned int /*version*/) {
  bool present = value.has_value();
  archive& make_nvp("present", present);
  if (!present) {
    value.reset();
    return;
  }
  if constexpr (Archive::is_loading::value) value.emplace();
  archive& make_nvp("value", *value);
}

template <class Archive>
void serialize(Archive& archive, std::filesystem::path& path, const unsigned int /*version*/) {
  std::string text = path.native();
  archive& make_nvp("path", text);
  if constexpr (Archive::is_loading::value) path = text;
}

}  // namespace boost::serialization
