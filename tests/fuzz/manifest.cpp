// run.json: refused by its name, or a manifest that is the same after it was written again.

#include "run/manifest.hpp"

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "require.hpp"

using namespace mpifarm;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  Manifest manifest;
  try {
    manifest = parse_manifest({data, size}, "the run.json");
  } catch (const BadInput& error) {
    require(BytesView{error.what()}.find("the run.json") != BytesView::npos, "a refusal names the file");
    return 0;
  }
  const describe::Value whole = describe::parse_json({data, size});
  const describe::Value* params = whole.find("params");
  require(manifest.params == (params == nullptr ? describe::Value{} : *params),
          "params are as they are written");
  const std::string text = to_json(manifest);
  const Manifest again = parse_manifest(text, "again");
  require(to_json(again) == text, "a manifest reads back the same");
  require(changed_params(again.params, again.params).empty(), "nothing differs from itself");
  changed_params(manifest.params, again.params);
  return 0;
}
