#!/bin/sh
# Makes the Python code beside each .proto again. Needs a throw-away environment with
#   pip install grpcio-tools==1.71.2 grpclib==0.4.9 setuptools
# as PYTHON. An old protoc on purpose: what it writes runs on protobuf 5.29, 6 and 7; newer output refuses older runtimes.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
PATH="$(dirname "$python"):$PATH" "$python" -m grpc_tools.protoc -I. --python_out=. --grpclib_python_out=. \
  vault_plugin/goplugin/pb/*.proto vault_plugin/database/pb/*.proto
