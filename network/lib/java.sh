# shellcheck shell=bash
# For services in Java: a Java that they run on, and their jars.

# find_java LEAST MOST PACKAGE: sets JAVA to one of such a version; installs the Debian package if there is none.
find_java() {
  JAVA=$(java_between "$1" "$2") || { install_package "Java $1" "$3" && JAVA=$(java_between "$1" "$2"); } ||
    die "Java $1 is missing, or not found: name its directory in JAVA_HOME"
}

java_between() {
  local java version
  for java in "${JAVA_HOME:-/nowhere}/bin/java" java /usr/lib/jvm/*/bin/java; do
    version=$("$java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1) || continue
    if ((${version:-0} >= $1 && ${version:-0} <= $2)); then echo "$java" && return; fi
  done
  return 1
}

# fetch_jars: what network/SERVICE/pom.xml names, fetched by Maven, which checks the checksums; sets JARS. They lie in a
# directory named after what was asked for, which gets its name when all is there.
fetch_jars() {
  local pom=$HERE/$SERVICE/pom.xml part
  JARS=$HERE/.cache/$SERVICE-$(sha256sum "$pom" | cut -c1-16)
  [[ ! -d $JARS ]] || return 0
  need mvn maven
  say "fetching $TITLE with Maven, once"
  mkdir -p "$HERE/.cache"
  part=$(mktemp -d "$HERE/.cache/$SERVICE.XXXXXX")
  timeout 900 mvn -B -q -C -f "$pom" dependency:copy-dependencies -DoutputDirectory="$part" -DincludeScope=runtime \
    >"$PLACE/fetch.log" 2>&1 </dev/null 9>&- || { rm -rf "$part" && die "Maven failed; its log: $PLACE/fetch.log"; }
  chmod 755 "$part"
  mv -T "$part" "$JARS" 2>/dev/null || rm -rf "$part" # another was quicker
}
