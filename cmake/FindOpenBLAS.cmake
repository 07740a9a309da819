# Ember::openblas: the OpenBLAS library of the system.
if(NOT TARGET Ember::openblas)
  find_library(EMBER_OPENBLAS_LIBRARY openblas PATHS /opt/homebrew/opt/openblas/lib /usr/local/opt/openblas/lib REQUIRED)
  add_library(Ember::openblas UNKNOWN IMPORTED)
  set_target_properties(Ember::openblas PROPERTIES IMPORTED_LOCATION "${EMBER_OPENBLAS_LIBRARY}")
endif()
