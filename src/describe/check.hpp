#pragma once
// Compile-time proof that a struct can be archived, and whether it can be shown as JSON, CSV and flags.

#include <algorithm>
#include <type_traits>
#include <utility>

#include "describe/fields.hpp"

namespace mpifarm::describe {

namespace detail {
struct AnyArchive {
  template <class T>
  AnyArchive& operator&(T&&);
  template <class T>
  AnyArchive& operator<<(T&&);
  template <class T>
  AnyArchive& operator>>(T&&);
};

// Stands for any initialiser; only its type is used.
struct AnyValue {
  template <class T>
  operator T() const noexcept;
};

template <class T, std::size_t... i>
consteval bool takes_initialisers(std::index_sequence<i...>) {
  return requires { T{(static_cast<void>(i), AnyValue{})...}; };
}
}  // namespace detail

template <class T>
concept SerializesItself = requires(detail::AnyArchive& archive, T& value) {
  value.serialize(archive, 0U);
};

// A `serialize` of its own, as a member or beside the type. One put into namespace boost::serialization
// cannot be told from Boost's.
template <class T>
concept Serializable = SerializesItself<T> || requires(detail::AnyArchive& archive, T& value) {
  serialize(archive, value, 0U);
};

// Whether the aggregate T takes more initialisers than its description has bases and members. False where
// that cannot be told: a class with constructors or private members is no aggregate.
template <Described T>
consteval bool leaves_member_out() {
  using namespace boost::describe;
  constexpr std::size_t described = boost::mp11::mp_size<describe_bases<T, mod_any_access>>::value +
                                    boost::mp11::mp_size<describe_members<T, mod_any_access>>::value;
  bool has_c_array = false;  // it would take an initialiser for each element; refused as a member type anyway
  for_each_field_type<T>(
      [&](auto, auto member) { has_c_array |= std::is_array_v<typename decltype(member)::type>; });
  if constexpr (std::is_aggregate_v<T>)
    return !has_c_array && detail::takes_initialisers<T>(std::make_index_sequence<described + 1>{});
  else
    return false;
}

// What can be done with a type, best first.
enum class Fit {
  described,   // all of it
  serialized,  // it can be archived, and nothing else
  member_left_out,
  not_described,
  unsupported,
};

namespace detail {
// Of T alone, whatever is inside it.
template <class T>
consteval Fit own_fit() {
  if constexpr (Described<T>) {
    return leaves_member_out<T>() ? Fit::member_left_out : Fit::described;
  } else if constexpr (Optional<T>) {
    return Optional<Element<T>> ? Fit::unsupported : Fit::described;
  } else if constexpr (Scalar<T> || Vector<T> || Array<T> || TextMap<T>) {
    return Fit::described;
  } else if constexpr (Serializable<T>) {
    return Fit::serialized;
  } else {
    return std::is_class_v<T> && !std::is_const_v<T> ? Fit::not_described : Fit::unsupported;
  }
}

// Calls `f(std::type_identity<Part>)` for the types inside T.
template <class T, class F>
consteval void for_each_part(F f) {
  if constexpr (Described<T>)
    for_each_field_type<T>([&](auto, auto part) { f(part); });
  else if constexpr (Optional<T> || Vector<T> || Array<T> || TextMap<T>)
    f(std::type_identity<Element<T>>{});
}
}  // namespace detail

// Of T and everything inside it. `Around` are the types it is inside of, since a struct may hold a vector of
// itself.
template <class T, class... Around>
consteval Fit fit_of() {
  Fit worst = detail::own_fit<T>();
  if constexpr (!OneOf<T, Around...>)
    detail::for_each_part<T>(
        [&](auto part) { worst = std::max(worst, fit_of<typename decltype(part)::type, T, Around...>()); });
  return worst;
}

// Whether T has JSON, CSV and flags besides its archive.
template <class T>
consteval bool has_json() {
  return fit_of<T>() == Fit::described;
}

// Refuses to compile a type that cannot be archived whole. The compiler's note "with T =" names the culprit.
template <class T, class... Around>
consteval void check_described() {
  constexpr Fit fit = detail::own_fit<T>();
  static_assert(fit != Fit::member_left_out,
                "BOOST_DESCRIBE_STRUCT leaves a member out: list every member (and every base) of T");
  static_assert(
      fit != Fit::not_described,
      "T is not described: write BOOST_DESCRIBE_STRUCT(T, (), (members)) after the class around it, or "
      "give T a serialize, or use a number, bool, std::string, path, optional, vector, array or map<string, "
      "...> instead of it");
  static_assert(
      fit != Fit::unsupported,
      "T is not a supported member type: use an integer, float, double, bool, std::string, path, an enum "
      "with BOOST_DESCRIBE_ENUM, a described struct, or an optional, vector, array or map<string, ...> of "
      "those; not char, long double, const, pointers, references or C arrays");
  if constexpr (!OneOf<T, Around...>)
    detail::for_each_part<T>(
        [](auto part) { check_described<typename decltype(part)::type, T, Around...>(); });
}

}  // namespace mpifarm::describe
