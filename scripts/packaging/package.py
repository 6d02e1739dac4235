# A recipe for Spack, to be put into a repository of one's own:
#   spack repo create my-packages && spack repo add my-packages
#   mkdir my-packages/packages/mpifarm && cp package.py my-packages/packages/mpifarm/
#   spack dev-build --source-path CHECKOUT mpifarm@main
from spack.package import *


class Mpifarm(CMakePackage):
    """Batch computing over MPI: many tasks on the cores of one or many nodes, with a journal, none lost and none counted twice."""

    license("BSD-3-Clause")
    version("main")

    variant("tests", default=False, description="Build the tests")

    depends_on("cxx", type="build")
    depends_on("cmake@3.25:", type="build")
    depends_on("ninja", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("help2man", type="build")
    depends_on("openmpi@4.1")
    depends_on("boost@1.81: +mpi +serialization +json cxxstd=20")
    depends_on("cli11", type="build")
    depends_on("spdlog +fmt_external")
    depends_on("fmt")
    depends_on("xxhash")
    depends_on("openssl")
    depends_on("re2")
    depends_on("libpng")
    depends_on("sqlite@3")
    depends_on("zlib-api")
    depends_on("googletest +gmock", type="build", when="+tests")

    generator("ninja")

    def cmake_args(self):
        return [self.define_from_variant("MPIFARM_TESTS", "tests")]
