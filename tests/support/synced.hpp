#pragma once
// How often this process has synced files: the C library's calls, counted on their way.

namespace mpifarm::support {

int fsync_calls();
int fdatasync_calls();

}  // namespace mpifarm::support
