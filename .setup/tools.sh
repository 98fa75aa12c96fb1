# shellcheck shell=bash
# Finds the tools that building and testing Norma need, and installs the missing ones where the user may do so.
# Sourced by the launcher, which brings `quietly`.

: "${build:?names the folder for logs and stamps}"

readonly MIN_JDK=25
readonly MIN_CMAKE=3.25

say() { printf 'norma: %s\n' "$*" >&2; }

# need TOOL...: installs what is missing; where that does not help, the run ends.
need() {
  local tools advice=''
  mapfile -t tools < <(missing "$@")
  if ((${#tools[@]} == 0)); then return; fi
  install "${tools[@]}"
  mapfile -t tools < <(missing "${tools[@]}")
  if ((${#tools[@]} == 0)); then return; fi
  say "missing: $(described "${tools[@]}").$advice"
  exit 1
}

# want TOOL...: installs what is missing, tried once; where that does not help, the run goes on without.
want() {
  local tools advice='' tried=$build/wanted
  mapfile -t tools < <(missing "$@")
  if ((${#tools[@]} == 0)); then return; fi
  if [[ ! -f $tried ]]; then
    install "${tools[@]}"
    mapfile -t tools < <(missing "${tools[@]}")
    mkdir -p "$build"
    touch "$tried"
  fi
  if ((${#tools[@]} > 0)); then say "going on without: $(described "${tools[@]}").$advice"; fi
}

missing() {
  local tool
  for tool in "$@"; do has "$tool" || printf '%s\n' "$tool"; done
}

# --- finding ---------------------------------------------------------------------------------------------------------

has() {
  case $1 in
    jdk) find_jdk >/dev/null ;;
    compiler) compiles -fopenmp <<<'#include <omp.h>
      int main(void) { return omp_get_max_threads() < 1; }' ;;
    cmake) has_cmake ;;
    make) type -P ninja >/dev/null || type -P make >/dev/null ;;
    fonts) [[ -n $(fc-list 2>/dev/null) ]] ;;
    cmocka) compiles -lcmocka <<<'#include <setjmp.h>
      #include <stdarg.h>
      #include <stddef.h>
      #include <stdint.h>
      #include <cmocka.h>
      int main(void) { return 0; }' ;;
    chromium) [[ -n $(type -P chromium chromium-browser google-chrome) ]] ;;
    clang | clang-tidy) compgen -c | grep -xE "$1(-[0-9]+)?" >/dev/null ;;
    libfuzzer) CC=$(newest_clang) compiles -fsanitize=fuzzer <<<'#include <stddef.h>
      int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) { return data && size > 9; }' ;;
    *) type -P "$1" >/dev/null ;;
  esac
}

# compiles OPTION...: does the C program on standard input compile and link?
compiles() { "${CC:-cc}" -x c - -o /dev/null "$@" >/dev/null 2>&1; }

newest_clang() {
  local found
  mapfile -t found < <(type -P clang-{19,18,17,16} clang)
  printf '%s\n' "${found[0]-}"
}

has_cmake() {
  local version
  version=$(cmake --version 2>/dev/null | sed -n '1s/^cmake version //p')
  [[ -n $version ]] && printf '%s\n' "$MIN_CMAKE" "$version" | sort --check=quiet --version-sort
}

# Prints the home of the first JDK that is new enough.
find_jdk() {
  local home
  while IFS= read -r home; do
    if is_jdk "$home"; then
      printf '%s\n' "$home"
      return
    fi
  done < <(jdk_candidates)
  return 1
}

# The release file tells the version without starting a JVM; a JRE has no compiler.
is_jdk() {
  local version
  [[ -x $1/bin/javac && -f $1/release ]] || return 1
  version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release")
  [[ -n $version ]] && ((version >= MIN_JDK))
}

jdk_candidates() {
  local javac folder folders
  printf '%s\n' "${JAVA_HOME-}"
  if javac=$(type -P javac); then dirname "$(dirname "$(readlink -f "$javac")")"; fi
  folders=/usr/lib/jvm:/usr/lib64/jvm:/usr/java:/usr/local:/opt:${HOME-}/.sdkman/candidates/java:${HOME-}/.jdks
  while IFS= read -r -d : folder; do printf '%s\n' "$folder"/*; done <<<"${NORMA_JDK_FOLDERS-$folders}:"
}

# --- installing ------------------------------------------------------------------------------------------------------

# install TOOL...: best effort; sets `advice` where something else than the package manager must help.
install() {
  local manager tool found packages=() command
  if ! manager=$(package_manager); then
    advice=' No known package manager was found to install it with.'
    return
  fi
  command=$(install_command "$manager")
  may_install && refresh "$manager"
  for tool in "$@"; do
    mapfile -t found < <(packages_of "$manager" "$tool" | tr ' ' '\n')
    packages+=("${found[@]}")
  done
  if ((${#packages[@]} == 0)); then
    advice=" $manager offers no package of it."
    return
  fi
  advice=" Install with: sudo $command ${packages[*]}"
  may_install || return 0
  say "installing $(described "$@"): $command ${packages[*]}"
  # shellcheck disable=SC2086 # the command is several words
  quietly install "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive $command "${packages[@]}" </dev/null || true
}

package_manager() {
  local manager
  for manager in apt-get dnf apk pacman zypper; do
    if type -P "$manager" >/dev/null; then
      printf '%s\n' "$manager"
      return
    fi
  done
  return 1
}

install_command() {
  case $1 in
    apt-get) echo 'apt-get install -y --no-install-recommends' ;;
    dnf) echo 'dnf install -y' ;;
    apk) echo 'apk add' ;;
    pacman) echo 'pacman -S --needed --noconfirm' ;;
    zypper) echo 'zypper --non-interactive install' ;;
  esac
}

# Sets `as_root` to what goes before a command that installs.
may_install() {
  as_root=()
  if [[ $(id -u) == 0 ]]; then return; fi
  as_root=(sudo -n)
  sudo -n true 2>/dev/null
}

# New machines have no package lists yet.
refresh() {
  if [[ $1 != apt-get ]]; then return; fi
  say 'updating the package lists: apt-get update'
  quietly install "${as_root[@]}" apt-get update || true
}

# packages_of MANAGER TOOL: the packages that bring the tool, nothing where the manager is known to have none.
packages_of() {
  case $1:$2 in
    apt-get:jdk) newest_in_apt temurin-25-jdk openjdk-25-jdk-headless ;;
    dnf:jdk | zypper:jdk) echo java-25-openjdk-devel ;;
    apk:jdk) echo openjdk25-jdk ;;
    pacman:jdk) echo jdk-openjdk ;;
    apt-get:compiler) echo gcc libc6-dev ;;
    dnf:compiler) echo gcc glibc-devel libasan libubsan ;;
    zypper:compiler) echo gcc glibc-devel ;;
    apk:compiler) echo gcc musl-dev libgomp ;;
    pacman:compiler) echo gcc ;;
    apt-get:cmocka) echo libcmocka-dev ;;
    dnf:cmocka | zypper:cmocka) echo libcmocka-devel ;;
    apk:cmocka) echo cmocka-dev ;;
    apt-get:fonts) echo fontconfig fonts-dejavu-core ;;
    dnf:fonts) echo fontconfig dejavu-sans-fonts ;;
    zypper:fonts) echo fontconfig dejavu-fonts ;;
    apk:fonts | pacman:fonts) echo fontconfig ttf-dejavu ;;
    apt-get:chromium) newest_in_apt chromium ;;
    apt-get:clang) newest_in_apt clang-{19,18,17,16} clang && newest_in_apt libomp-{19,18,17,16}-dev libomp-dev ;;
    apt-get:clang-tidy) newest_in_apt clang-tidy-{19,18,17,16} clang-tidy ;;
    apt-get:libfuzzer) newest_in_apt libclang-rt-{19,18,17,16}-dev ;;
    dnf:libfuzzer | apk:libfuzzer | pacman:libfuzzer) echo compiler-rt ;;
    zypper:libfuzzer) ;; # its clang brings it
    dnf:clang | zypper:clang) echo clang libomp-devel ;;
    dnf:clang-tidy) echo clang-tools-extra ;;
    zypper:clang-tidy) echo clang-tools ;;
    apk:clang-tidy) echo clang-extra-tools ;;
    pacman:clang-tidy) echo clang ;;
    apk:pkg-config | pacman:pkg-config) echo pkgconf ;;
    *) echo "$2" ;;
  esac
}

# Prints the first of the packages that apt can install.
newest_in_apt() {
  local package
  for package in "$@"; do
    if apt-cache show "$package" >/dev/null 2>&1; then
      echo "$package"
      return
    fi
  done
}

described() {
  local tool text=''
  for tool in "$@"; do
    case $tool in
      jdk) text+=", a JDK of version $MIN_JDK or newer (such as Temurin, adoptium.net; JAVA_HOME may name it)" ;;
      compiler) text+=', a C compiler with OpenMP' ;;
      cmake) text+=", CMake $MIN_CMAKE or newer" ;;
      make) text+=', make or Ninja' ;;
      fonts) text+=', fontconfig with a font' ;;
      cmocka) text+=', the C test library cmocka' ;;
      libfuzzer) text+=", Clang's libFuzzer" ;;
      chromium) text+=', Chromium, to look at the report of the benchmarks' ;;
      *) text+=", $tool" ;;
    esac
  done
  echo "${text#, }"
}
