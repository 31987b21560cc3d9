"""Writes a repository with a long history for the benchmark of churn: commits that
touch one to eight files each, rename some, and merge now and then.

    python bench/history.py FOLDER [COMMITS [FILES]]
"""

import random
import subprocess
import sys


def main(folder, commits="30000", files="3000"):
    commits, files = int(commits), int(files)
    rng = random.Random(1)
    subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
    out = subprocess.Popen(["git", "-C", folder, "fast-import", "--quiet"], stdin=subprocess.PIPE)
    say = lambda text: out.stdin.write(text.encode())
    names = [f"pkg{i % 60}/mod{i}.py" for i in range(files)]
    lines = {name: ["def f(a):", "    return a or 0", *(f"x{i} = {i}" for i in range(80))] for name in names}
    start = 1_750_000_000  # June 2025
    mark = 0
    for n in range(commits):
        touched = set(names) if n == 0 else {names[int(files * rng.random() ** 3)] for _ in range(rng.choice([1, 1, 2, 2, 3, 8]))}
        renames = []
        for name in sorted(touched):
            text = lines[name]
            for _ in range(rng.randrange(1, 6)):
                text[rng.randrange(2, len(text))] = f"y{n} = {rng.randrange(10**6)}"
        if n and n % 50 == 0:
            old = rng.choice(sorted(touched))
            new = old.replace(".py", "_.py")
            lines[new] = lines.pop(old)
            names[names.index(old)] = new
            touched.discard(old)
            renames.append((old, new))
        mark += 1
        when = start + n * (365 * 86400 // commits)
        say(f"commit refs/heads/main\nmark :{mark}\ncommitter Dev {n % 40} <dev{n % 40}@example.com> {when} +0000\ndata 1\nx\n")
        if n % 97 == 0 and n > 10:
            say(f"from :{mark - 1}\nmerge :{mark - 5}\n")
        for old, new in renames:
            say(f"R {old} {new}\n")
        for name in sorted(touched | {new for _, new in renames}):
            text = "\n".join(lines[name]) + "\n"
            say(f"M 100644 inline {name}\ndata {len(text)}\n{text}\n")
    out.stdin.close()
    out.wait()
    subprocess.run(["git", "-C", folder, "reset", "-q", "--hard"], check=True)
    subprocess.run(["git", "-C", folder, "gc", "-q"], check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
