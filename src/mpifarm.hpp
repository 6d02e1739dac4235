#pragma once
// The one include of a job's author: write the structs Params, Task and Result, a `compute`, and describe the
// structs. The rules are in job/concepts.hpp, the story in the README.

#include <boost/describe.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "job/context.hpp"
#include "job/file_walk.hpp"
#include "job/generate.hpp"
#include "job/job_type.hpp"
