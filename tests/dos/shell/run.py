#!/usr/bin/env python3
"""Runs the cases of README.md in DOSBox or in huddle.

    run.py [--build=BUILD] [--keep] dosbox|huddle|peer [case ...]

Status 0: all is well, 1: something is not, 77: skipped. Without --build, the environment: COMMAND_COM, ERRORS_COM,
EXITCODE_COM, HANDLES_COM, VECTORS_COM, and HUDDLE for huddle."""

import argparse
import difflib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
HERE = pathlib.Path(__file__).resolve().parent
SLOW = float(os.environ.get("HUDDLE_SLOW", "1"))
PATTERNS = {
    "date": r"\d\d-\d\d-\d{2,4}",
    "time": r"[ \d]\d:\d\d[ap]?",
    "number": r" *[\d,]+",
    "kept": r"\d\d-\d\d-\d\d  [ \d]\d:\d\d[ap]",  # DOSBox lets no program set a file's time
    "volume": r".*(?:\n Volume Serial Number is [0-9A-F]{4}-[0-9A-F]{4})?",
    "any": r".*",
    "lines": r"(?:.*\n)*.*",
}
WRITTEN = time.mktime((1995, 6, 7, 12, 34, 56, 0, 0, -1))  # the files of a case: as DOS has it, in local time
PROGRAMS = ["COMMAND.COM", "ERRORS.COM", "EXITCODE.COM", "HANDLES.COM", "VECTORS.COM"]


class Case:
    def __init__(self, path):
        self.name = path.stem
        self.files, self.input, self.tail, self.peer, self.expected = {}, None, "/C T.BAT", False, None
        sections = re.split(r"^--- (.*)\n", path.read_text(encoding="latin-1"), flags=re.M)[1:]
        for title, text in zip(sections[::2], sections[1::2]):
            self.section(title.strip(), text)
        assert self.expected is not None and len(self.name) <= 8, path

    def section(self, title, text):
        dos_text = text.replace("\n", "\r\n").encode("latin-1")
        if title == "input":
            self.input = dos_text
        elif title == "tail":
            self.tail = text.strip()
        elif title == "peer":
            self.peer = True
        elif title == "expect":
            self.expected = text
        elif title.startswith("bytes "):
            self.files[title.split()[1]] = text.rstrip("\n").encode("latin-1").decode("unicode_escape").encode("latin-1")
        else:
            self.files[title] = dos_text

    def make(self, root):
        folder = root / self.name.upper()
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            os.utime(path, (WRITTEN, WRITTEN))
        folder.mkdir(exist_ok=True)
        if self.input is not None:
            (folder / "INPUT.TXT").write_bytes(self.input)

    def pattern(self):
        """A regular expression for each line expected."""
        lines = []
        for line in self.expected.split("\n"):
            line = line.replace("{case}", "C:\\" + self.name.upper())
            parts = re.split(r"\{(\w+)\}", line)
            lines.append("".join(PATTERNS[part] if i % 2 else re.escape(part) for i, part in enumerate(parts)))
        return lines

    def judge(self, got):
        """Empty, or what is wrong."""
        lines, wanted, shown = got.split("\n"), self.pattern(), self.expected.split("\n")
        if re.fullmatch("\n".join(wanted), got):
            return ""
        # What matches is shown as it is expected, so that the difference is only what does not.
        seen = []
        for line in lines:
            seen.append(next((s for w, s in zip(wanted, shown) if PATTERNS["any"] not in w and re.fullmatch(w, line)), line))
        return "\n".join(difflib.unified_diff(shown, seen, "expected", "got", lineterm=""))


def text_of(path):
    return path.read_bytes().replace(b"\r\n", b"\n").decode("latin-1") if path.exists() else ""


def dosbox_script(cases, peer):
    lines = []
    for case in cases:
        lines.append(f"cd \\{case.name.upper()}")
        input_ = " < INPUT.TXT" if case.input is not None else ""
        if peer:
            lines.append(f"Z:\\COMMAND.COM {case.tail}{input_} > C:\\OUT\\{case.name}.TXT")
        else:
            lines.append(f"C:\\ERRORS.COM {case.tail}{input_} > C:\\OUT\\{case.name}.TXT")
        lines += ["C:", "cd \\", f"echo done>C:\\OUT\\{case.name}.END"]
    return lines


def run_dosbox(root, cases, peer):
    program = shutil.which("dosbox")
    if not program:
        print("skipped: DOSBox is not installed")
        sys.exit(SKIPPED)
    (root / "OUT").mkdir()
    (root / "RUN.BAT").write_bytes("\r\n".join(["@echo off"] + dosbox_script(cases, peer) + [""]).encode())
    conf = root / "dosbox.conf"
    conf.write_text("[sdl]\nfullscreen=false\n[cpu]\ncore=normal\ncycles=max\n[midi]\nmididevice=none\n"
                    f"[autoexec]\n@mount c {root}\n@c:\n@call RUN.BAT\n@exit\n")
    env = dict(os.environ, SDL_VIDEODRIVER="dummy", SDL_AUDIODRIVER="dummy", HOME=str(root))
    try:
        subprocess.run([program, "-conf", str(conf)], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       stdin=subprocess.DEVNULL, timeout=(60 + 5 * len(cases)) * SLOW, check=False)
    except subprocess.TimeoutExpired:
        print("DOSBox did not end by itself")
    # DOSBox keeps the case of names as they were made.
    files = {path.name.lower(): path for path in (root / "OUT").iterdir()}

    def output(case):
        text = text_of(files.get(case.name.lower() + ".txt", root / "nothing"))
        return text if case.name.lower() + ".end" in files else text + "(did not end)"
    return output


def run_huddle(root, cases):
    program = os.environ.get("HUDDLE", "huddle")
    if not os.path.exists("/dev/kvm"):
        print("skipped: no /dev/kvm")
        sys.exit(SKIPPED)
    outputs = {}
    for case in cases:
        input_ = " < INPUT.TXT" if case.input is not None else ""
        command = [program, "run", "--display=none", "--timeout=60", "-c", f"CD \\{case.name.upper()}",
                   "-c", f"C:\\ERRORS.COM {case.tail}{input_} > C:\\OUT.TXT", str(root)]
        try:
            ended = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=90 * SLOW, check=False)
            problem = "" if ended.returncode == 0 else f"(huddle: status {ended.returncode}\n{ended.stderr.decode()[-2000:]})"
        except subprocess.TimeoutExpired:
            problem = "(huddle did not end)"
        made = [path for path in root.iterdir() if path.name.lower() == "out.txt"]
        outputs[case.name] = "".join(map(text_of, made)) + problem
        for path in made:
            path.unlink()
    return lambda case: outputs[case.name]


def programs(build):
    if build:
        folders = {"COMMAND.COM": "src/dos/shell"}
        return {name: pathlib.Path(build) / folders.get(name, "tests/dos/shell") / name for name in PROGRAMS}
    return {name: pathlib.Path(os.environ[name.replace(".", "_")]) for name in PROGRAMS}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build")
    parser.add_argument("--keep", action="store_true", help="leave the directory and say where it is")
    parser.add_argument("--show", action="store_true", help="print what came out")
    parser.add_argument("where", choices=["dosbox", "huddle", "peer"])
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    if options.build:
        os.environ.setdefault("HUDDLE", str(pathlib.Path(options.build) / "src/huddle"))
    names = options.cases or sorted(path.stem for path in (HERE / "cases").glob("*.txt"))
    cases = [Case(HERE / "cases" / (name + ".txt")) for name in names]
    if options.where == "peer":
        cases = [case for case in cases if case.peer]
    if options.where == "huddle":
        PATTERNS["kept"] = "06-07-95  12:34p"
    root = pathlib.Path(tempfile.mkdtemp(prefix="shell-"))
    for name, path in programs(options.build).items():
        shutil.copy(path, root / name)
    for case in cases:
        case.make(root)
    output = run_huddle(root, cases) if options.where == "huddle" else run_dosbox(root, cases, options.where == "peer")
    failed = 0
    for case in cases:
        got = output(case)
        if options.where == "peer" and got.count("[status") == 0:
            got += "[status 000]\n"  # it has no status of its own
        if options.show:
            print(f"=== {case.name}\n{got}")
        problem = case.judge(got)
        failed += problem != ""
        print(f"{'FAILED' if problem else 'ok    '} {case.name}")
        if problem:
            print(problem)
    if options.keep:
        print(root)
    else:
        shutil.rmtree(root)
    sys.exit(1 if failed or not cases else 0)


if __name__ == "__main__":
    main()
