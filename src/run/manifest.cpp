#include "run/manifest.hpp"

#include <utility>

#include "base/error.hpp"
#include "describe/flags.hpp"
#include "describe/json.hpp"

namespace mpifarm {

Shard shard_of(const ManifestFields& manifest) {
  return manifest.shard.empty() ? Shard{} : parse_shard("the shard in run.json", manifest.shard);
}

Order Manifest::hand_out_order(std::uint64_t count) const {
  return {parse_order(order), count, seed, window, shard_of(*this)};
}

std::string to_json(const Manifest& manifest) {
  describe::Value value = describe::to_value(static_cast<const ManifestFields&>(manifest));
  auto& fields = std::get<describe::Value::Object>(value.data);
  fields.insert(fields.begin() + 2, {"params", manifest.params});
  return describe::to_json(value, 2) + "\n";
}

Manifest parse_manifest(std::string_view text, const std::string& file) {
  try {
    describe::Value value = describe::parse_json(text);
    auto* fields = std::get_if<describe::Value::Object>(&value.data);
    if (fields == nullptr) throw BadInput{"it is no JSON object"};
    Manifest manifest;
    const std::string format = std::exchange(manifest.format, {});
    if (const describe::Value* params = value.find("params")) manifest.params = *params;
    std::erase_if(*fields, [](const auto& field) { return field.first == "params"; });
    describe::from_value(value, static_cast<ManifestFields&>(manifest), "run.json");
    if (manifest.format != format)
      throw BadInput{"its format is \"" + manifest.format + "\", this program reads \"" + format + "\""};
    return manifest;
  } catch (const BadInput& error) {
    throw BadInput{"the run's manifest cannot be read (" + file + ": " + error.what() +
                   "); it was changed, or another version of mpifarm wrote it"};
  }
}

std::string changed_params(const describe::Value& before, const describe::Value& now) {
  std::string changes;
  const auto compare = [&](const std::string& field) {
    const describe::Value* a = before.find(field);
    const describe::Value* b = now.find(field);
    if (a != nullptr && b != nullptr && *a == *b) return;
    if (!changes.empty()) changes += ", ";
    changes += describe::flag_name(field) + ": " + (a == nullptr ? "absent" : describe::to_json(*a)) +
               " -> " + (b == nullptr ? "absent" : describe::to_json(*b));
  };
  if (const auto* fields = now.as<describe::Value::Object>())
    for (const auto& [field, value] : *fields) compare(field);
  if (const auto* fields = before.as<describe::Value::Object>())
    for (const auto& [field, value] : *fields)
      if (now.find(field) == nullptr) compare(field);
  return changes;
}

}  // namespace mpifarm
