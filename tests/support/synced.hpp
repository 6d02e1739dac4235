#pragma once
// How often this process has synced files: the C library's calls, counted on their way.

namespace mpifarm::support {

int fsync_calls();
int fdatasync_calls();

// This thread's syncs go to `to` instead of the kernel, until it is null.
void divert_syncs(int (*to)(int file));

}  // namespace mpifarm::support
