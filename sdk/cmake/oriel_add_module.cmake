# oriel_add_module(name SOURCES… [LIBRARIES lib…])
#
# Builds the shared object of one Oriel module: hidden symbols, nothing exported but the entry, every
# symbol resolved at link time. `name` is the file's name without ".so" ("encode-x264"). In Oriel's own
# tree the file lands in the build's module folder; elsewhere in the current build folder. Either way
# `cmake --install` puts it into <libdir>/oriel/modules, where Oriel looks below ~/.local, /usr/local and
# /usr; ORIEL_MODULE_INSTALL_DIR is another folder, ORIEL_MODULE_COMPONENT another component than
# "modules".
include_guard()
include(GNUInstallDirs)
set(_oriel_module_map "${CMAKE_CURRENT_LIST_DIR}/module.map")

function(oriel_add_module name)
    cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
    add_library(${name} MODULE ${arg_SOURCES} ${arg_UNPARSED_ARGUMENTS})
    target_link_libraries(${name} PRIVATE oriel::sdk ${arg_LIBRARIES})
    set_target_properties(${name} PROPERTIES
        PREFIX "" SUFFIX ".so"
        C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
        POSITION_INDEPENDENT_CODE ON
        LINK_DEPENDS "${_oriel_module_map}")
    if(ORIEL_MODULE_OUTPUT_DIR)
        set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${ORIEL_MODULE_OUTPUT_DIR}")
    endif()
    target_link_options(${name} PRIVATE "-Wl,--version-script=${_oriel_module_map}")
    if(NOT ORIEL_SANITIZE) # sanitizer runtimes are resolved from the executable
        target_link_options(${name} PRIVATE -Wl,-z,defs)
    endif()
    if(NOT ORIEL_MODULE_INSTALL_DIR)
        set(ORIEL_MODULE_INSTALL_DIR ${CMAKE_INSTALL_LIBDIR}/oriel/modules)
    endif()
    if(NOT ORIEL_MODULE_COMPONENT)
        set(ORIEL_MODULE_COMPONENT modules)
    endif()
    install(TARGETS ${name} LIBRARY DESTINATION ${ORIEL_MODULE_INSTALL_DIR}
        COMPONENT ${ORIEL_MODULE_COMPONENT})
endfunction()
