#pragma once
// The one walk over the members of a described struct, and the kinds of type that a member may have.
//
// A struct is described with BOOST_DESCRIBE_STRUCT after the definition of the class around it. A concept
// tested before that point answers "no" for the rest of the translation unit, so test these only inside
// templates instantiated later.

#include <array>
#include <boost/describe/bases.hpp>
#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <boost/describe/enumerators.hpp>
#include <boost/describe/members.hpp>
#include <boost/mp11/algorithm.hpp>
#include <concepts>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace mpifarm::describe {

template <class T>
concept Described = std::is_class_v<T> && boost::describe::has_describe_members<T>::value;

template <class T>
concept DescribedEnum = std::is_enum_v<T> && boost::describe::has_describe_enumerators<T>::value;

template <class T, class... Choices>
concept OneOf = (std::same_as<T, Choices> || ...);

// A character is neither clearly a number nor clearly text; a long double has padding that no digest may see.
template <class T>
concept Integer =
    std::integral<T> && !std::is_const_v<T> && !OneOf<T, bool, char, wchar_t, char8_t, char16_t, char32_t>;
template <class T>
concept Number = Integer<T> || OneOf<T, float, double>;

template <class T>
concept Scalar = Number<T> || OneOf<T, bool, std::string, std::filesystem::path> || DescribedEnum<T>;

namespace detail {
template <template <class...> class Template, class T>
inline constexpr bool is_a = false;
template <template <class...> class Template, class... Args>
inline constexpr bool is_a<Template, Template<Args...>> = true;

template <class T>
inline constexpr bool is_array = false;
template <class T, std::size_t n>
inline constexpr bool is_array<std::array<T, n>> = true;

template <class T>
inline constexpr bool is_text_map = false;
template <class T>
inline constexpr bool is_text_map<std::map<std::string, T>> = true;

template <class T>
struct MemberOf;
template <class Class, class Member>
struct MemberOf<Member Class::*> {
  using type = Member;
};
}  // namespace detail

template <class T>
concept Optional = detail::is_a<std::optional, T>;
template <class T>
concept Vector = detail::is_a<std::vector, T>;
template <class T>
concept Array = detail::is_array<T>;
template <class T>
concept TextMap = detail::is_text_map<T>;

namespace detail {
template <class T>
struct ElementOf {
  using type = typename T::value_type;
};
template <TextMap T>
struct ElementOf<T> {
  using type = typename T::mapped_type;
};
}  // namespace detail

// What an optional, a vector, an array or a map with text keys holds.
template <class T>
using Element = typename detail::ElementOf<T>::type;

// Public members, those of described bases first.
template <Described T>
using Fields =
    boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;

template <Described T>
inline constexpr std::size_t field_count = boost::mp11::mp_size<Fields<T>>::value;

template <class Descriptor>
using FieldType = typename detail::MemberOf<std::remove_cv_t<decltype(Descriptor::pointer)>>::type;

// Calls `f(std::string_view name, member)` for each field of `value`, in the order of the description.
template <class T, class F>
requires Described<std::remove_const_t<T>>
constexpr void for_each_field(T& value, F&& f) {
  boost::mp11::mp_for_each<Fields<std::remove_const_t<T>>>(
      [&](auto field) { f(std::string_view{field.name}, value.*field.pointer); });
}

// Calls `f(std::string_view name, std::type_identity<Member>)` for each field.
template <Described T, class F>
constexpr void for_each_field_type(F&& f) {
  boost::mp11::mp_for_each<Fields<T>>(
      [&](auto field) { f(std::string_view{field.name}, std::type_identity<FieldType<decltype(field)>>{}); });
}

template <Described T>
std::vector<std::string> field_names() {
  std::vector<std::string> names;
  for_each_field_type<T>([&](std::string_view name, auto) { names.emplace_back(name); });
  return names;
}

// Calls `f(std::string_view name, Enum value)` for each enumerator.
template <DescribedEnum Enum, class F>
constexpr void for_each_enumerator(F&& f) {
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<Enum>>(
      [&](auto entry) { f(std::string_view{entry.name}, entry.value); });
}

}  // namespace mpifarm::describe
