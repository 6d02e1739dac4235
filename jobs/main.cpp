#include "app/main.hpp"

#include "jobs/jobs.hpp"

int main(int argc, char** argv) { return mpifarm::app::main(argc, argv, all_jobs()); }
