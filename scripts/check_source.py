#!/usr/bin/python3
"""Checks what the compiler cannot know: who may include whom, circles between files, sizes.

Prints one line a finding, `file:line: what`, and ends with status 1 if there is any. The rules are
the tables below; ARCHITECTURE.md says why they are so. Needs nothing but the standard library.
"""
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# From the bottom up: a folder of lib/ may include those of lower rows, never its own row's others.
LAYERS = [
    {"base"},
    {"config"},
    {"daemon"},
    {"json", "csv", "metrics"},
    {"features", "forest"},
    {"score"},
    {"db", "fetch", "http", "bundle", "xgb"},
    {"azure"},
    {"mlflow", "auth"},
    {"learn", "registry"},
]

# Headers of outside libraries and the folders that may include them. Tests may include any.
# The first row that matches counts.
THIRD_PARTY = [
    (r"event2/(bufferevent\w*|buffer)\.h$", {"lib/http"}),
    (r"event2/|event\.h$", {"lib/daemon", "lib/http"}),
    (r"openssl/", {"lib/http", "lib/auth", "lib/azure", "lib/bundle"}),
    (r"(postgresql/)?libpq-(fe|events)\.h$", {"lib/db"}),
    (r"(cjson/)?cJSON\.h$", {"lib/json"}),
    (r"common/shortest_dec\.h$", {"lib/json"}),
    (r"curl/", {"lib/fetch"}),
    (r"yaml\.h$", {"lib/config"}),
    (r"expat\.h$", {"lib/azure"}),
    (r"xgboost/", {"lib/xgb"}),
    (r"seccomp\.h$", {"lib/daemon"}),
    (r"crypt\.h$", {"lib/auth"}),
    (r"uni\w+\.h$", {"lib/features"}),
    (r"cmocka\.h$", set()),
]
NOT_UNISTRING = {"unistd.h"}

# Headers of the C library, the compiler and the kernel that anybody may include.
SYSTEM = re.compile(
    r"(arpa|asm|linux|net|netinet|sanitizer|sys)/\w+\.h$|"
    r"(assert|byteswap|cpuid|ctype|dirent|dlfcn|elf|endian|errno|fcntl|features|fenv|float|fnmatch|"
    r"ftw|getopt|glob|grp|ifaddrs|immintrin|inttypes|langinfo|libgen|limits|link|locale|malloc|"
    r"math|memory|mntent|mqueue|netdb|omp|poll|pthread|pwd|regex|sched|search|semaphore|setjmp|"
    r"signal|spawn|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|"
    r"strings|sysexits|syslog|termios|threads|time|uchar|ucontext|unistd|utime|wchar|wctype|"
    r"x86intrin)\.h$")

# Headers of ours that the build writes.
GENERATED = {"daemon/build_id.h"}

# The only files with a table that clang-format would scramble.
TABLE_FILES = {
    "daemons/front/routes.c",
    "daemons/supervisor/process.c",
    "daemons/supervisor/service.c",
    "lib/config/settings.c",
    "lib/daemon/messages.h",
}
# clang-format 14 obeys exactly these; with a word more it does not see them.
FORMAT_OFF = "/* clang-format off */"
FORMAT_ON = "/* clang-format on */"

FUNCTION_LINES = 60
FILE_LINES = 600
COLUMNS = 100

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

findings = []


def report(path, line, text):
    findings.append((path, line, text))


def source_files(*patterns):
    """Files that git knows or would take, relative to the root."""
    out = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sorted({name for name in out.split("\0") if name and (ROOT / name).is_file()})


def layer_of(folder):
    """The row of a folder of lib/, or None."""
    for row, folders in enumerate(LAYERS):
        if folder in folders:
            return row
    return None


def folder_of(path):
    """Two levels are a folder of the architecture: lib/base, daemons/front, test/unit."""
    return "/".join(path.split("/")[:2])


def resolve(path, name):
    """The file that a quoted include names, relative to the root, or None."""
    beside = Path(path).parent / name
    places = [beside, Path("lib") / name]
    if path.startswith("test/"):
        places.append(Path(name))
    for place in places:
        full = (ROOT / place).resolve()
        if full.is_file() and full.is_relative_to(ROOT):
            return str(full.relative_to(ROOT))
    return None


def check_direction(path, line, target):
    """An include of one of our own files."""
    top, own = path.split("/")[0], folder_of(path)
    other_top, other = target.split("/")[0], folder_of(target)
    if own == other or top == "test":
        return
    if other_top != "lib":
        report(path, line, f'"{target}" belongs to another program; only lib/ is shared')
    elif top == "lib":
        above, below = layer_of(own.split("/")[1]), layer_of(other.split("/")[1])
        if above is None or below is None:
            missing = own if above is None else other
            report(path, line, f'folder "{missing}" has no row in LAYERS of scripts/check_source.py')
        elif below >= above:
            report(path, line, f'"{own}" must not include "{other}": it stands beside or above')


def check_outside(path, line, name):
    """An include of somebody else's header."""
    if path.startswith("test/"):
        return
    if name not in NOT_UNISTRING:
        for pattern, allowed in THIRD_PARTY:
            if re.match(pattern, name):
                if folder_of(path) not in allowed:
                    where = ", ".join(sorted(allowed)) or "test"
                    report(path, line, f'"{name}" may be included in {where} only')
                return
    if not SYSTEM.match(name):
        report(path, line, f'"{name}" is no header that scripts/check_source.py knows')


def check_includes(path, text):
    """All includes of a file; returns the files of ours that it includes."""
    targets = []
    for number, line in enumerate(text.split("\n"), 1):
        match = INCLUDE.match(line)
        if not match or match.group(2) in GENERATED:
            continue
        quote, name = match.groups()
        target = resolve(path, name) if quote == '"' else None
        if target is None and (quote == "<" or re.match(r"common/shortest_dec\.h$", name)):
            check_outside(path, number, name)
        elif target is None:
            report(path, number, f'"{name}" is neither in this folder nor in lib/')
        else:
            if ".." in name and not path.startswith("test/"):
                report(path, number, f'"{name}": include by "folder/file.h"')
            check_direction(path, number, target)
            targets.append(target)
    return targets


def unit_of(path):
    """x.c and x.h are one unit."""
    return path.rsplit(".", 1)[0]


def circles(graph):
    """Strongly connected components of more than one node (Tarjan, without recursion)."""
    index, low, on_stack, stack, found = {}, {}, set(), [], []
    for root in sorted(graph):
        if root in index:
            continue
        work = [(root, iter(sorted(graph[root])))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, rest = work[-1]
            following = next(rest, None)
            if following is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    component = []
                    while not component or component[-1] != node:
                        component.append(stack.pop())
                        on_stack.discard(component[-1])
                    if len(component) > 1:
                        found.append(sorted(component))
            elif following not in index:
                index[following] = low[following] = len(index)
                stack.append(following)
                on_stack.add(following)
                work.append((following, iter(sorted(graph[following]))))
            elif following in on_stack:
                low[node] = min(low[node], index[following])
    return found


def reached(path, includes, units):
    """The units whose header a file includes, itself or through headers that belong to no .c file."""
    seen, waiting, found = set(), list(includes[path]), set()
    while waiting:
        target = waiting.pop()
        if target in seen:
            continue
        seen.add(target)
        if unit_of(target) in units:
            found.add(unit_of(target))
        else:
            waiting.extend(includes.get(target, []))
    return found


def check_circles(includes):
    """Headers that include each other, and .c files that need each other's headers."""
    units = {unit_of(path) for path in includes if path.endswith(".c")}
    graph = {unit: set() for unit in units}
    for path in includes:
        if unit_of(path) in units:
            graph[unit_of(path)] |= reached(path, includes, units) - {unit_of(path)}
    for component in circles(graph):
        report(component[0] + ".c", 1, "these need each other: " + ", ".join(component))
    for component in circles({path: set(targets) for path, targets in includes.items()}):
        report(component[0], 1, "these include each other: " + ", ".join(component))


def without_comments_and_strings(text):
    """The same text with blanks in their place, so that lines and columns stay."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    text = pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)
    # Macros of several lines may hold braces that do not match.
    directive = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
    return directive.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def functions(text):
    """(name, line of the opening brace, lines from it to the closing one) of each function."""
    depth, start, head = 0, 0, ""
    line = 1
    for c in without_comments_and_strings(text):
        if c == "\n":
            line += 1
        if c == "{":
            if depth == 0:
                start = line
            depth += 1
        elif c == "}":
            depth -= 1
            if depth == 0:
                if head.rstrip().endswith(")") and "=" not in head:
                    words = re.findall(r"(\w+)\s*\(", re.sub(r"__attribute__\s*\(\(.*?\)\)\s", "",
                                                            head, flags=re.S))
                    yield words[0] if words else "?", start, line - start
                head = ""
                continue
        if depth == 0:
            head = "" if c == ";" else head + c


def width(line):
    return sum(1 for c in line.expandtabs(8) if not unicodedata.combining(c))


def check_sizes(path, text):
    lines = text.split("\n")
    if len(lines) - 1 > FILE_LINES:
        report(path, len(lines), f"{len(lines) - 1} lines; {FILE_LINES} are allowed")
    for name, line, length in functions(text):
        if length > FUNCTION_LINES:
            report(path, line, f'function "{name}" has {length} lines; {FUNCTION_LINES} are allowed')


def check_columns(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        # A row of a Markdown table and a bare link cannot be broken.
        unbreakable = path.endswith(".md") and re.match(r"\s*(\||(\[\w+\]: ?|<)?https?://\S+$)", line)
        if width(line) > COLUMNS and not unbreakable:
            report(path, number, f"{width(line)} columns; {COLUMNS} are allowed")


def check_format_marks(path, text):
    inside = False
    for number, line in enumerate(text.split("\n"), 1):
        if not re.search(r"clang-format\s+(on|off)", line):
            continue
        if path not in TABLE_FILES:
            report(path, number, "clang-format may be turned off in the five tables only")
        elif line.strip() != (FORMAT_ON if inside else FORMAT_OFF):
            report(path, number, f'expected "{FORMAT_ON if inside else FORMAT_OFF}"')
        inside = not inside


def check_style(path, text):
    if not text.startswith("/*"):
        report(path, 1, "does not begin with a comment that says why the file exists")
    for number, line in enumerate(text.split("\n"), 1):
        if re.search(r"\b(TODO|FIXME|XXX)\b", line):
            report(path, number, "what is left to do belongs into an issue")
        if re.match(r"\s*typedef\s+(struct|union)\b", line):
            report(path, number, "a struct keeps its tag; no typedef")


def main():
    includes = {}  # of each file, those of ours that it includes
    for path in source_files("*.c", "*.h"):
        text = (ROOT / path).read_text(encoding="utf-8")
        includes[path] = check_includes(path, text)
        check_sizes(path, text)
        check_columns(path, text)
        check_format_marks(path, text)
        check_style(path, text)
    for path in source_files("*.md"):
        check_columns(path, (ROOT / path).read_text(encoding="utf-8"))
    check_circles(includes)
    for path, line, text in sorted(findings):
        print(f"{path}:{line}: {text}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
