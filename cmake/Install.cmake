# install(), the find_package(covey) package and the pkg-config file.
include(CMakePackageConfigHelpers)

install(TARGETS covey EXPORT coveyTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY third_party_free_formats/include/covey model/include/covey
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
if(TARGET covey_program)
  install(TARGETS covey_program DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/covey)
install(EXPORT coveyTargets NAMESPACE covey:: DESTINATION ${package_dir})
configure_package_config_file(cmake/coveyConfig.cmake.in "${PROJECT_BINARY_DIR}/coveyConfig.cmake"
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file("${PROJECT_BINARY_DIR}/coveyConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/coveyConfig.cmake" "${PROJECT_BINARY_DIR}/coveyConfigVersion.cmake"
        DESTINATION ${package_dir})

set(covey_private_libs "-pthread")
set(covey_private_requires "")
if(COVEY_VULKAN AND CMAKE_DL_LIBS)
  string(APPEND covey_private_libs " -l${CMAKE_DL_LIBS}")
endif()
if(COVEY_OPENBLAS)
  list(APPEND covey_private_requires openblas)
endif()
if(COVEY_PCRE2)
  list(APPEND covey_private_requires libpcre2-8)
endif()
list(JOIN covey_private_requires ", " covey_private_requires)
configure_file(cmake/covey.pc.in "${PROJECT_BINARY_DIR}/covey.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/covey.pc" DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
