# What depends on where Oriel is installed, which is known when it is: the units name absolute paths;
# the configuration of what lies in /usr is in /etc, and its functions for zsh are where Debian's are.
set(prefix "${CMAKE_INSTALL_PREFIX}")
set(sysconf "${prefix}/etc")
set(zsh site-functions)
if(prefix STREQUAL "/usr")
    set(sysconf "/etc")
    set(zsh vendor-completions)
endif()

function(oriel_unit file name title what)
    configure_file("${ORIEL_PACKAGING}/systemd/oriel.service.in" "${ORIEL_WORK}/${file}" @ONLY)
    file(INSTALL DESTINATION "${prefix}/lib/systemd/system" TYPE FILE FILES "${ORIEL_WORK}/${file}")
endfunction()
oriel_unit(oriel.service oriel "" "More of them: oriel@.service.")
oriel_unit(oriel@.service %i ", %i" "`systemctl enable --now oriel@NAME`.")

file(INSTALL DESTINATION "${sysconf}/oriel" TYPE FILE FILES "${ORIEL_PACKAGING}/oriel.json")
file(INSTALL DESTINATION "${prefix}/share/zsh/${zsh}" TYPE FILE FILES "${ORIEL_PACKAGING}/completion/_oriel")
