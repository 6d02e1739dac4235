// One job that keeps every rule, and, by a macro each, jobs that break one. rules_test.sh compiles them all
// and looks for the words behind "expect".
#include <mpifarm.hpp>

#if defined(NO_NAME)  // expect: mpifarm: a job has `static constexpr auto name
#define NAME
#else
#define NAME static constexpr auto name = "sample";
#endif

#if defined(NO_SUMMARY)  // expect: mpifarm: a job has `static constexpr auto summary
#define SUMMARY
#else
#define SUMMARY static constexpr auto summary = "A sample";
#endif

#if defined(NO_STRUCTS)  // expect: mpifarm: a job has the structs Params, Task and Result
#define TASK Tusk
#else
#define TASK Task
#endif

#if defined(MEMBER_LEFT_OUT)  // expect: BOOST_DESCRIBE_STRUCT leaves a member out
#define TASK_FIELDS (n)
#else
#define TASK_FIELDS (n, m)
#endif

#if defined(NO_CONSTRUCTOR)  // expect: mpifarm: a job is constructed from `const Params&`
#define CONSTRUCTOR \
  explicit Sample(int) {}
#else
#define CONSTRUCTOR \
  explicit Sample(const Params&) {}
#endif

#if defined(NO_SOURCE)  // expect: mpifarm: a job has either const members size() and task(i)
#define SOURCE
#elif defined(TWO_SOURCES)  // expect: mpifarm: a job has either const members size() and task(i)
#define SOURCE                                  \
  std::uint64_t size() const { return 1; }      \
  TASK task(std::uint64_t) const { return {}; } \
  std::vector<TASK> tasks() const { return {}; }
#elif defined(SOURCE_NOT_CONST)  // expect: mpifarm: a job has either const members size() and task(i)
#define SOURCE                       \
  std::uint64_t size() { return 1; } \
  TASK task(std::uint64_t) { return {}; }
#else
#define SOURCE                             \
  std::uint64_t size() const { return 1; } \
  TASK task(std::uint64_t) const { return {}; }
#endif

#if defined(COMPUTE_NOT_CONST)  // expect: mpifarm: a job has `Result compute(const Task&, mpifarm::Context&)
                                // const`
#define COMPUTE \
  Result compute(const TASK&, mpifarm::Context&) { return {}; }
#elif defined(COMPUTE_OF_ANOTHER_TYPE)  // expect: mpifarm: a job has `Result compute(const Task&,
                                        // mpifarm::Context&) const`
#define COMPUTE \
  std::string compute(const TASK&, mpifarm::Context&) const { return {}; }
#else
#define COMPUTE \
  Result compute(const TASK&, mpifarm::Context&) const { return {}; }
#endif

#if defined(UNKNOWN_MEASURED)  // expect: mpifarm: `measured` names a field that Result does not have
#define MEASURED static constexpr auto measured = {"seconds"};
#else
#define MEASURED static constexpr auto measured = {"n"};
#endif

#if defined(POINTER_MEMBER)  // expect: T is not a supported member type
#define RESULT_TYPE const int*
#elif defined(UNDESCRIBED_MEMBER)  // expect: T is not described: write BOOST_DESCRIBE_STRUCT
struct Plain {
  int n;
};
#define RESULT_TYPE Plain
#else
#define RESULT_TYPE int
#endif

#if defined(UNKNOWN_HELP)  // expect: mpifarm: `help` names a field that Params does not have
#define HELP static constexpr mpifarm::ParamHelp help[] = {{"outer", "what is outside"}};
#else
#define HELP static constexpr mpifarm::ParamHelp help[] = {{"inner", "what is inside"}};
#endif

#if defined(UNKNOWN_SOURCE_PARAM)  // expect: mpifarm: `source_params` names a field that Params does not have
#define SOURCE_PARAMS static constexpr auto source_params = {"outer"};
#else
#define SOURCE_PARAMS static constexpr auto source_params = {"inner"};
#endif

struct Sample {
  NAME SUMMARY HELP MEASURED SOURCE_PARAMS struct Params {
#if defined(STRUCT_IN_PARAMS)  // expect: a struct inside Params cannot be a flag
    struct Inner {
      int a = 0;
    } inner;
#else
    int inner = 0;
#endif
  };
  struct TASK {
    int n = 0, m = 0;
  };
  struct Result {
    RESULT_TYPE n;
  };
  CONSTRUCTOR SOURCE COMPUTE
};
#if defined(STRUCT_IN_PARAMS)
BOOST_DESCRIBE_STRUCT(Sample::Params::Inner, (), (a))
#endif
BOOST_DESCRIBE_STRUCT(Sample::Params, (), (inner))
BOOST_DESCRIBE_STRUCT(Sample::TASK, (), TASK_FIELDS)
#if !defined(NO_DESCRIPTION)  // expect: T is not described: write BOOST_DESCRIBE_STRUCT
BOOST_DESCRIBE_STRUCT(Sample::Result, (), (n))
#endif

const mpifarm::JobType& sample = mpifarm::job_type<Sample>();
