# What people on clusters expect beside the program: manual pages, completion, a module file, the templates for Slurm, a .deb.
set(packaging ${CMAKE_CURRENT_LIST_DIR})

install(FILES ${packaging}/mpifarm.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME mpifarm)
configure_file(${packaging}/modulefile.in modulefile @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/modulefile
  DESTINATION ${CMAKE_INSTALL_DATADIR}/mpifarm/modulefiles/mpifarm RENAME ${PROJECT_VERSION})
install(DIRECTORY slurm/ DESTINATION ${CMAKE_INSTALL_DATADIR}/mpifarm/slurm FILES_MATCHING PATTERN "*.sbatch")
install(DIRECTORY scripts/scaling/ DESTINATION ${CMAKE_INSTALL_DATADIR}/mpifarm/scaling FILES_MATCHING PATTERN "*.py")
install(FILES LICENSE README.md CHANGELOG.md TYPE DOC)

# Manual pages, each from the --help it tells about.
find_program(HELP2MAN help2man NO_CACHE)
if(HELP2MAN)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/man)
  file(MAKE_DIRECTORY ${folder})
  set(pages "")
  macro(add_page command name)
    string(REGEX REPLACE "-$" "" page "mpifarm-${command}")
    add_custom_command(OUTPUT ${folder}/${page}.1
      COMMAND ${HELP2MAN} --no-info --manual=mpifarm --name=${name} "--version-string=${page} ${PROJECT_VERSION}"
        "--help-option=${command} --help" --output=${folder}/${page}.1 $<TARGET_FILE:mpifarm>
      DEPENDS mpifarm VERBATIM)
    list(APPEND pages ${folder}/${page}.1)
  endmacro()
  add_page("" "compute many tasks on the cores of one or many hosts")
  add_page(run "compute the tasks of a job")
  add_page(launch "start a run, watch it, and carry it on when it dies")
  add_page(resume "carry on an unfinished run")
  add_page(stop "ask a live run to end in order")
  add_page(status "the state of a live or ended run")
  add_page(results "the results of a run, in task order")
  add_page(merge "make one run of its shards")
  add_page(list "the jobs there are")
  add_page(describe "flags, task fields and result fields of a job")
  add_page(simulate "the scheduler on a virtual cluster")
  add_custom_target(man ALL DEPENDS ${pages})
  install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "mpifarm's developers <mpifarm@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "many tasks on the cores of one or many hosts, over MPI")
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/packages)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS openmpi-bin)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "python3, gnuplot-nox")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS
  "g++, cmake, libopenmpi-dev, libboost-mpi1.81-dev, libboost-serialization1.81-dev, libboost-json1.81-dev, libspdlog-dev, libfmt-dev, libxxhash-dev, libsqlite3-dev, zlib1g-dev")
include(CPack)
