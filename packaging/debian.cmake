# The Debian packages, made by `cpack`: oriel, oriel-modules-gpl, oriel-sdk.
#
# Everything is installed below /usr, whatever prefix the build folder was configured with; only where
# that was /usr too, as by packaging/deb.sh, are the SDK's files apart for each architecture.
set(CPACK_GENERATOR DEB)
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_DEBIAN_DEBUGINFO_PACKAGE ON) # strips, and keeps what it takes in *-dbgsym
set(CPACK_PACKAGE_NAME oriel)
set(CPACK_PACKAGE_CONTACT "Oriel authors <maintainers@oriel.invalid>" CACHE STRING "Who makes the packages")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # each package has its own: the first line of its description
set(CPACK_PACKAGE_CHECKSUM SHA256)
set(CPACK_COMPONENTS_ALL host modules modules-gpl sdk)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SECTION science)

# A module that is built for one major of the ABI may depend on what provides it.
set(abi "oriel-module-abi-1 (= 1.0)")

set(CPACK_DEBIAN_ORIEL_PACKAGE_NAME oriel)
set(CPACK_COMPONENT_ORIEL_DESCRIPTION "headless server for n-dimensional scientific images
Oriel runs on the machine that has the data (OME-Zarr, volumes, time series,
many channels), renders with OpenGL, and streams the picture to a browser or
to the napari-cuda desktop client. A GPU makes it faster and is not needed.

Encoders, captures, transports, scenes and sources are modules; this package
has those whose libraries are under permissive licences.")
set(CPACK_DEBIAN_ORIEL_PACKAGE_SHLIBDEPS ON)
# Loaded when the server starts, so that no tool sees it.
set(CPACK_DEBIAN_ORIEL_PACKAGE_DEPENDS "libegl1, libgl1")
set(CPACK_DEBIAN_ORIEL_PACKAGE_RECOMMENDS "libgl1-mesa-dri, oriel-modules-gpl")
set(CPACK_DEBIAN_ORIEL_PACKAGE_SUGGESTS "oriel-sdk, libcuda1, libnvidia-encode1")
set(CPACK_DEBIAN_ORIEL_PACKAGE_PROVIDES "${abi}")
set(scripts ${CMAKE_CURRENT_SOURCE_DIR}/debian)
set(CPACK_DEBIAN_ORIEL_PACKAGE_CONTROL_EXTRA
    "${scripts}/conffiles;${scripts}/postinst;${scripts}/prerm;${scripts}/postrm")

set(CPACK_DEBIAN_ORIEL-MODULES-GPL_PACKAGE_NAME oriel-modules-gpl)
set(CPACK_COMPONENT_ORIEL-MODULES-GPL_DESCRIPTION "what of Oriel links libraries under the GPL
Modules for the image server Oriel: H.264 by x264, and what FFmpeg encodes.
And, where it was built, the program that compares encoders with each other
(oriel ab), which decodes by FFmpeg.")
set(CPACK_DEBIAN_ORIEL-MODULES-GPL_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_ORIEL-MODULES-GPL_PACKAGE_DEPENDS "oriel (= ${PROJECT_VERSION})")

set(CPACK_DEBIAN_ORIEL-SDK_PACKAGE_NAME oriel-sdk)
set(CPACK_DEBIAN_ORIEL-SDK_DEBUGINFO_PACKAGE OFF)
set(CPACK_COMPONENT_ORIEL-SDK_DESCRIPTION "headers for modules of the image server Oriel
What an encoder, capture, transport, scene or source for Oriel is built with:
C headers without dependencies, a CMake package, a pkg-config file, the
linker's version script, and templates for each kind (oriel new).")
set(CPACK_DEBIAN_ORIEL-SDK_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_ORIEL-SDK_PACKAGE_RECOMMENDS "oriel (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_ORIEL-SDK_PACKAGE_SUGGESTS "cmake, pkgconf | pkg-config")

include(CPack)
cpack_add_component(host GROUP oriel)
cpack_add_component(modules GROUP oriel)
cpack_add_component(modules-gpl GROUP oriel-modules-gpl)
cpack_add_component(sdk GROUP oriel-sdk)
foreach(package oriel oriel-modules-gpl oriel-sdk)
    cpack_add_component_group(${package})
endforeach()

# What Debian wants to find with every package.
if(ORIEL_GZIP)
    set(changelog ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz)
    execute_process(COMMAND ${ORIEL_GZIP} -9nc debian/changelog
        WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} OUTPUT_FILE ${changelog})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS debian/changelog)
endif()
foreach(pair host:oriel modules-gpl:oriel-modules-gpl sdk:oriel-sdk)
    string(REPLACE ":" ";" pair ${pair})
    list(GET pair 0 component)
    list(GET pair 1 package)
    install(FILES debian/copyright ${changelog} COMPONENT ${component}
        DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package})
endforeach()
install(FILES debian/oriel-sdk.lintian-overrides RENAME oriel-sdk COMPONENT sdk
    DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides)
