// Runs a fuzz target on every file of the directories named: what a compiler without libFuzzer has of it.
// Ends with 1 unless each has a file.

#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>

#include "base/file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size);

int main(int count, char** arguments) try {
  std::size_t inputs = 0;
  for (int i = 1; i < count; ++i) {
    const std::size_t before = inputs;
    for (const auto& entry : std::filesystem::directory_iterator{arguments[i]}) {
      std::fprintf(stderr, "%s\n", entry.path().c_str());  // the last one named is the one that ends this
      // Its own allocation, of its very size: reading beyond it is caught by a sanitizer.
      const mpifarm::Bytes bytes = mpifarm::read_file(entry.path());
      const std::unique_ptr<char[]> input = std::make_unique<char[]>(bytes.size());
      bytes.copy(input.get(), bytes.size());
      LLVMFuzzerTestOneInput(input.get(), bytes.size());
      ++inputs;
    }
    if (inputs == before) return std::fprintf(stderr, "%s holds no input\n", arguments[i]), 1;
  }
  std::printf("%zu inputs replayed\n", inputs);
  return inputs == 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "an exception left the target: %s\n", error.what());
  return 1;
}
