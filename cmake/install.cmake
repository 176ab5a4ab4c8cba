# What `cmake --install` puts where: the library with its headers (component sdk), what find_package(ckpt) and pkg-config
# need, and the licence. Nothing in it has an absolute path, so the tree can be moved.
include(CMakePackageConfigHelpers)

install(TARGETS ckpt EXPORT ckptTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT sdk
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT sdk
  FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT sdk)

# Before 1.0 every minor version may change the interface.
set(ckpt_config "${CMAKE_INSTALL_LIBDIR}/cmake/ckpt")
get_target_property(CKPT_TYPE ckpt TYPE)
configure_package_config_file(cmake/ckptConfig.cmake.in ckptConfig.cmake INSTALL_DESTINATION "${ckpt_config}")
write_basic_package_version_file(ckptConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT ckptTargets NAMESPACE ckpt:: DESTINATION "${ckpt_config}" COMPONENT sdk)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/ckptConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/ckptConfigVersion.cmake"
  DESTINATION "${ckpt_config}" COMPONENT sdk)

# Whoever links the static library links what it uses, too: there is no private use then.
set(CKPT_REQUIRES_FIELD "Requires")
if(CKPT_TYPE STREQUAL "SHARED_LIBRARY")
  set(CKPT_REQUIRES_FIELD "Requires.private")
endif()
set(CKPT_REQUIRES "libdeflate")
if(CKPT_CRYPTO)
  string(APPEND CKPT_REQUIRES ", libcrypto >= 3")
endif()
file(RELATIVE_PATH CKPT_PC_TO_PREFIX "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
configure_file(cmake/ckpt.pc.in ckpt.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/ckpt.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT sdk)

install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT sdk)
