#pragma once
// Byte strings, and the variable-length integers inside them.

#include <cstdint>
#include <string>
#include <string_view>

namespace mpifarm {

using Bytes = std::string;           // owned
using BytesView = std::string_view;  // borrowed: the owner must outlive it

// Appends `value` in 1 to 10 bytes, 7 bits a byte, lowest first (LEB128).
inline void append_varint(Bytes& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

// Takes a varint off the front of `in`. False, with `in` unspecified, when it is cut or longer than 64 bits.
inline bool take_varint(BytesView& in, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return shift < 63 || byte <= 1;
  }
  return false;
}

// A length (varint) and that many bytes, as strings are packed.
inline void append_sized(Bytes& out, BytesView bytes) {
  append_varint(out, bytes.size());
  out += bytes;
}

// Takes such bytes off the front of `in`, as a view into it. False, with `in` unspecified, when they are cut.
inline bool take_sized(BytesView& in, BytesView& bytes) {
  std::uint64_t size = 0;
  if (!take_varint(in, size) || size > in.size()) return false;
  bytes = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}

}  // namespace mpifarm
