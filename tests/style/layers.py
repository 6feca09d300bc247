#!/usr/bin/python3
"""Holds the layer table of src/README.md: layers.py TREE fails on every include that crosses it.

It first plants one violation of each rule in a scratch tree and makes sure that it is found.
"""
import re
import sys
import tempfile
from pathlib import Path

MODELS = ["workload", "hardware", "llm", "fabric", "plant"]

#: module -> modules whose public headers it may include. Change src/README.md with it.
MAY_INCLUDE = {
    "core": [],
    "workload": ["core"],
    "hardware": ["core"],
    "llm": ["core", "hardware"],
    "fabric": ["core"],
    "plant": ["core", "hardware"],
    "serving": ["core", "workload", "hardware", "llm"],
    "site": ["core", "hardware", "fabric", "plant"],
    "config": ["core", "hardware", "serving", "site"],  # and every module's params.hpp
    "parallel": ["core"],
    "engine": ["core", *MODELS, "serving", "site", "config", "parallel"],
    "io": ["core", "site", "parallel"],
    "validation": ["core", *MODELS, "serving", "site", "config", "parallel", "engine"],
    "app": ["core", *MODELS, "serving", "site", "config", "parallel", "engine", "io", "validation"],
}

#: outside library: its headers -> (modules that may include them, in how many files at most)
ANY_NUMBER = 10**9
OUTSIDE = {
    "MPI": (r"mpi\.h", {"parallel": ANY_NUMBER, "io": 1}),  # io: the handle that HDF5's mpio driver takes
    "TBB": (r"(tbb|oneapi)/.*", {"parallel": ANY_NUMBER}),
    "HDF5": (r"(hdf5(_hl)?|H5\w*)\.h", {"io": ANY_NUMBER}),
    "yaml-cpp": (r"yaml-cpp/.*", {"config": ANY_NUMBER}),
    "simdjson": (r"simdjson(/.*)?(\.h)?", {"workload": 1}),
    "Random123": (r"Random123/.*", {"core": 1}),
    "CLI11": (r"CLI/.*", {"app": ANY_NUMBER}),
    "fmt": (r"fmt/.*", dict.fromkeys(MAY_INCLUDE, ANY_NUMBER)),
    "doctest": (r"doctest(/.*|\.h)?", {}),
    "Google Benchmark": (r"benchmark/.*", {}),
}
#: angle includes that are neither the C++ library nor in the table above
SYSTEM = re.compile(r"[a-z_0-9]+|(sys/.*|unistd|sched|fcntl|signal|pthread|cxxabi|execinfo)(\.h)?")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
OWN = re.compile(r"megaweave/(\w+)/(.+)")


def sources(tree):
    """(path, module, whether its header is public) of every C++ file of the program."""
    for top, public in ((tree / "include" / "megaweave", True), (tree / "src", False)):
        for path in sorted(top.rglob("*.[ch]pp")):
            yield path, path.relative_to(top).parts[0], public


def check_own(tree, path, module, name):
    match = OWN.fullmatch(name)
    if match is None:
        if (tree / "src" / module / name).is_file() and ".." not in Path(name).parts:
            return None
        return f"'{name}' is no header of this module: others are included as \"megaweave/<module>/<header>\""
    target, header = match.groups()
    if not (tree / "include" / name).is_file():
        return f"'{name}' does not exist in include/"
    if target == module or target in MAY_INCLUDE[module] or (module == "config" and header == "params.hpp"):
        return None
    return f"{module} may not include {target} (it may: {', '.join(MAY_INCLUDE[module]) or 'nothing'})"


def check_outside(path, module, public, name, users):
    for library, (pattern, allowed) in OUTSIDE.items():
        if re.fullmatch(pattern, name):
            if public:
                return f"{library} in a public header: outside libraries stay in src/"
            if module not in allowed:
                return f"{library} is for {', '.join(allowed) or 'the tests'} only"
            files = users.setdefault((library, module), set())
            files.add(path)
            if len(files) > allowed[module]:
                return f"{library} in a second file of {module}: one holds it"
            return None
    return None if SYSTEM.fullmatch(name) else f"<{name}> is in no row of the table in tests/style/layers.py"


def violations(tree):
    users = {}
    for path, module, public in sources(tree):
        where = path.relative_to(tree)
        if module not in MAY_INCLUDE:
            yield f"{where}: the table has no module '{module}'"
            continue
        text = path.read_text(encoding="utf-8")
        for match in INCLUDE.finditer(text):
            bracket, name = match.groups()
            problem = (check_own(tree, path, module, name) if bracket == '"' else
                       check_outside(path, module, public, name, users))
            if problem:
                yield f"{where}:{text.count(chr(10), 0, match.start(2)) + 1}: {problem}"


#: file -> (text, whether it breaks a rule)
PLANTED = {
    "include/megaweave/core/time.hpp": ("#include <cstdint>\n", False),
    "include/megaweave/plant/params.hpp": ("#include <array>\n", False),
    "include/megaweave/plant/cooling.hpp": ("", False),
    "include/megaweave/engine/simulation.hpp": ("", False),
    "src/config/good.cpp": ('#include <yaml-cpp/yaml.h>\n#include "megaweave/plant/params.hpp"\n', False),
    "src/io/handle.hpp": ("#include <hdf5.h>\n", False),
    "src/io/good.cpp": ('#include <mpi.h>\n#include "handle.hpp"\n#include "megaweave/core/time.hpp"\n', False),
    "src/io/second_mpi.cpp": ("#include <mpi.h>\n", True),
    "src/io/upwards.cpp": ('#include "megaweave/engine/simulation.hpp"\n', True),
    "src/config/whole_model.cpp": ('#include "megaweave/plant/cooling.hpp"\n', True),
    "src/engine/sideways.cpp": ('#  include "../io/handle.hpp"\n', True),
    "src/engine/private_of_other.cpp": ('#include "handle.hpp"\n', True),
    "src/engine/hdf5.cpp": ("#include <hdf5.h>\n", True),
    "src/plant/tbb.cpp": ("#include <tbb/parallel_for.h>\n", True),
    "src/plant/absent.cpp": ('#include "megaweave/core/absent.hpp"\n', True),
    "src/fabric/unknown.cpp": ("#include <boost/heap/fibonacci_heap.hpp>\n", True),
    "src/app/test.cpp": ("#include <doctest/doctest.h>\n", True),
    "include/megaweave/parallel/open.hpp": ("#include <mpi.h>\n", True),
    "src/plugins/new.cpp": ("", True),
}


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for name, (text, _) in PLANTED.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(text, encoding="utf-8")
        found = {problem.split(":")[0] for problem in violations(tree)}
    expected = {name for name, (_, bad) in PLANTED.items() if bad}
    for name in sorted(expected ^ found):
        print(f"self-test: {name}: {'not found' if name in expected else 'found, but it is allowed'}")
    return expected == found


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    tree = Path(sys.argv[1]).resolve()
    if not self_test():
        return 1
    count = len(list(sources(tree)))
    problems = list(violations(tree))
    print("\n".join(problems + [f"{count} files, {len(problems)} violations"]))
    return 1 if problems or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
