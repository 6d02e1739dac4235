#pragma once
// Described structs of every kind of member, random values of them, and the message of a refusal.

#include <array>
#include <bit>
#include <boost/describe.hpp>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace samples {

enum class Method { jacobi, sor, multigrid };
BOOST_DESCRIBE_ENUM(Method, jacobi, sor, multigrid)

struct Point {
  double x = 1.5;
  std::int32_t y = -2;
  bool operator==(const Point&) const = default;
};
BOOST_DESCRIBE_STRUCT(Point, (), (x, y))

struct Named {
  std::string name = "none";
  bool operator==(const Named&) const = default;
};
BOOST_DESCRIBE_STRUCT(Named, (), (name))

struct Flat {
  std::int64_t i64 = 0;
  std::uint64_t u64 = 0;
  std::int8_t i8 = 0;
  std::uint16_t u16 = 0;
  bool flag = false;
  double real = 0;
  float single = 0;
  std::string text;
  std::filesystem::path path;
  Method method = Method::jacobi;
  std::optional<std::int64_t> maybe;
  std::optional<Method> maybe_method;
  bool operator==(const Flat&) const = default;
};
BOOST_DESCRIBE_STRUCT(Flat, (),
                      (i64, u64, i8, u16, flag, real, single, text, path, method, maybe, maybe_method))

struct Deep : Named {
  Flat flat;
  Point point;
  std::vector<Point> points{Point{}};
  std::vector<bool> bits;
  std::vector<std::string> words{"a", "b"};
  std::array<std::int32_t, 3> triple{1, 2, 3};
  std::map<std::string, std::vector<double>> table;
  std::optional<Point> spot;
  bool operator==(const Deep&) const = default;
};
BOOST_DESCRIBE_STRUCT(Deep, (Named), (flat, point, points, bits, words, triple, table, spot))

struct Empty {
  bool operator==(const Empty&) const = default;
};
BOOST_DESCRIBE_STRUCT(Empty, (), ())

struct Pair {
  std::int64_t n = 0, square = 0;
  bool operator==(const Pair&) const = default;
};
BOOST_DESCRIBE_STRUCT(Pair, (), (n, square))

// Values that go wrong easily come often.
class Random {
 public:
  explicit Random(unsigned seed) : engine_{seed} {}

  std::uint64_t below(std::uint64_t n) { return engine_() % n; }

  template <class T>
  T integer() {
    constexpr T edges[] = {0, 1, std::numeric_limits<T>::min(), std::numeric_limits<T>::max(),
                           std::numeric_limits<T>::max() - 1};
    return below(3) == 0 ? edges[below(5)] : static_cast<T>(engine_() >> below(64));
  }
  // Any bit pattern but NaN, which equals nothing: zeros of both signs, infinities and denormals too.
  template <class T, class Bits>
  T real() {
    const T edges[] = {T{0},
                       -T{0},
                       std::numeric_limits<T>::infinity(),
                       -std::numeric_limits<T>::infinity(),
                       std::numeric_limits<T>::denorm_min(),
                       std::numeric_limits<T>::max()};
    if (below(4) == 0) return edges[below(6)];
    const std::uint64_t shift = below(2) == 0 ? below(64) : 0;  // few bits left: a denormal
    const T value = std::bit_cast<T>(static_cast<Bits>(engine_() >> shift));
    return value == value ? value : T{1};
  }
  std::string text() {
    static const std::vector<std::string> pieces = {
        "\"",   "\n",   "\r\n", "\r", ",",  "a",    " ",   "\\",           std::string(1, '\0'),
        "\x1f", "\x7f", "\t",   "é",  "漢", "🙂", "nan", "\xef\xbb\xbf", "/",
        "'"};
    std::string out;
    for (std::uint64_t left = below(8); left > 0; --left) out += pieces[below(pieces.size())];
    return out;
  }
  Method method() { return static_cast<Method>(below(3)); }
  Point point() { return {real<double, std::uint64_t>(), integer<std::int32_t>()}; }
  Flat flat() {
    Flat out{integer<std::int64_t>(),
             integer<std::uint64_t>(),
             integer<std::int8_t>(),
             integer<std::uint16_t>(),
             below(2) == 0,
             real<double, std::uint64_t>(),
             real<float, std::uint32_t>(),
             text(),
             text(),
             method(),
             {},
             {}};
    if (below(2) == 0) out.maybe = integer<std::int64_t>();
    if (below(2) == 0) out.maybe_method = method();
    return out;
  }
  Deep deep() {
    Deep out;
    out.name = text();
    out.flat = flat();
    out.points.clear();
    for (std::uint64_t left = below(4); left > 0; --left) {
      out.points.push_back(point());
      out.bits.push_back(below(2) == 0);
      out.words.push_back(text());
      out.table[text()] = {real<double, std::uint64_t>(), real<double, std::uint64_t>()};
    }
    out.triple[1] = integer<std::int32_t>();
    if (below(2) == 0) out.spot = point();
    return out;
  }

 private:
  std::mt19937_64 engine_;
};

// The text of the BadInput that `f` throws.
template <class F>
std::string refusal(F&& f) {
  try {
    f();
  } catch (const mpifarm::BadInput& error) {
    return error.what();
  }
  return "nothing was refused";
}

}  // namespace samples
