# For other scripts to source: lets mpirun start as many ranks as asked, whoever runs it and however few cores there are.
export OMPI_MCA_rmaps_base_oversubscribe=1  # more ranks than cores
if [ "$(id -u)" -eq 0 ]; then               # as in a container
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
