#pragma once
// Files by patterns with "**", which stands for any number of directories, as shells have it.

#include <string>
#include <vector>

namespace mpifarm::exec {

// The regular files that the patterns match, of each in byte order; what has no wildcard is a file by its
// name. Hidden files are matched by a dot of the pattern's alone. Throws BadInput naming `flag` and a pattern
// that matches nothing, and a directory that cannot be read. Each file once; `**` passes over run
// directories.
std::vector<std::string> matching_files(const std::string& flag, const std::vector<std::string>& patterns);

}  // namespace mpifarm::exec
