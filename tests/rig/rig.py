#!/usr/bin/env python3
"""svm | vmx [--build DIR] [--short] [--no-host] [--diff N] [GUEST...]: huddle on AMD's and on Intel's KVM module.

Boots Debian's kernel on an emulated processor with SVM or VMX (see `boot-svm`, `boot-vmx`) and runs there
  - `huddle doctor`,
  - `huddle ab` with off, pairs and window on each guest: the runs must be identical, and clusters must avoid exits,
  - pairs and window again with the step interpreter in the place of host code: the same to the last exit,
  - kvm_diff, the interpreter against KVM: how exits are completed.
Then, unless there is no KVM here or --no-host is given, each guest runs on this host's KVM: access stream and picture must be
those seen in the rig. Exits are printed beside each other.

--short: the few guests that meet most of what exits leave half done. Without GUEST: all that run there.
Status 0 if all agree, 77 if the rig cannot run here.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import typing

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'guest'))
import guests as suite  # noqa: E402
import harness  # noqa: E402

SEABIOS = pathlib.Path('/usr/share/seabios')
FIRMWARE = ('bios.bin', 'vgabios-isavga.bin')
RIGS = ('svm', 'vmx')
# Fields of the boot sector: less work where the default is too much for an emulated processor, and no IRQ13 from an x87
# that KVM leaves to the processor.
PATCHES = {'fuzz': {'count': 1500}, 'x87': {'flag': 1}}
# Reads that fault or cross a page (edges), an OUT that a cluster comes back to (pic), stores to code (selfmod). Not irqmix, which
# looks for interrupt shadows: README.md.
SHORT = ('edges', 'pic', 'selfmod')
# Guests that a rig does not run of itself, and why.
SLOW = 'nothing that other guests do not do, and it takes long there'
LEFT_OUT = {
    'svm': {},
    'vmx': dict.fromkeys(('bench-exits', 'blit13', 'crash', 'demo', 'drawing', 'modes', 'retrace', 'scroll', 'stop'), SLOW),
}
TIMEOUT_S = 7200       # of a rig
GUEST_TIMEOUT_S = 240  # of one run of a guest in it
DIFF = {'svm': 2000, 'vmx': 300}
DIFF_SHORT = {'svm': 1000, 'vmx': 100}
INTERP = ('pairs', 'window')  # levels that the interpreter executes too
SAME = ('stream_count', 'stream_hash', 'frame_hash')
MARK = '=== rig:'
SKIPPED = 77


# --- what goes into the rig ---

def copy_to(root, source, target):
    path = root / pathlib.Path(target).relative_to('/')
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, path)


def copy_program(root, program, target):
    """The program with the shared libraries it was linked with, at the same places."""
    copy_to(root, program, target)
    listing = subprocess.run(['ldd', program], capture_output=True, text=True, check=True).stdout
    for library in re.findall(r'(?:=> |^\s+)(/\S+) \(', listing, re.M):
        copy_to(root, library, library)


def make_images(tool, root, names):
    """The guests' disks below root/guests, changed where that is needed."""
    folder = root / 'guests'
    folder.mkdir(parents=True)
    for name in [*names, *(suite.HARD_DISK[name] for name in names if name in suite.HARD_DISK)]:
        if name in PATCHES:
            shutil.move(tool.patched(name, **PATCHES[name]), folder / f'{name}.img')
        else:
            shutil.copy(tool.guest(name), folder)


def job_lines(title, command, data):
    """The command, what it said if it failed, and its JSON."""
    return [f'echo "{MARK} {title}"', f'{command} >/tmp/text 2>&1', 'status=$?', '[ $status = 0 ] || cat /tmp/text',
            f'echo "{MARK} json"', f'[ ! -e {data} ] || cat {data}', f'rm -f {data}', end_line('$status')]


def end_line(status):
    return f'read up idle </proc/uptime; echo "{MARK} end {status} $up"'


def levels(name):
    return suite.FEWER_VARIANTS.get(name, suite.VARIANTS)


def guest_lines(name):
    image = f'/guests/{name}.img'
    disk = f'--hda=/guests/{suite.HARD_DISK[name]}.img ' if name in suite.HARD_DISK else ''
    lines = job_lines(f'ab {name}', f'/huddle ab {image} {disk}--variants={",".join(levels(name))} --windows=none '
                                    f'--timeout={GUEST_TIMEOUT_S} --json=/tmp/ab.json', '/tmp/ab.json')
    for level in (level for level in levels(name) if level in INTERP):
        # How the guest ends is judged here, so its status says nothing.
        lines += job_lines(f'interp {name} {level}',
                           f'/huddle run {image} {disk}--snapshot --clock=access --cluster={level} --executor=interp '
                           f'--timeout={GUEST_TIMEOUT_S} --stats=/tmp/stats.json </dev/null; true', '/tmp/stats.json')
    return lines


def rig_script(names, diff_count):
    lines = [f'echo "{MARK} doctor"', '/huddle doctor', end_line('$?')]
    for name in names:
        lines += guest_lines(name)
    if diff_count:
        lines += [f'echo "{MARK} diff"', f'/kvm_diff --emulated-cpu --count={diff_count}', end_line('$?')]
    return '\n'.join(lines + ['exit 0', ''])


# --- what comes out ---

class Part(typing.NamedTuple):
    """What a command in the rig said."""
    text: str = 'it did not run'
    data: typing.Any = None  # its JSON
    status: int = 1
    seconds: float = 0  # of the rig's own clock


def parts_of(output):
    """Title -> Part, of the script's output."""
    parts = re.split(r'^' + re.escape(MARK) + r' (.*)$', output, flags=re.M)
    found, title, text, data, last = {}, None, '', '', 0.0
    for head, body in zip(parts[1::2], parts[2::2]):
        if head == 'json':
            data = body
        elif head.startswith('end '):
            try:
                parsed = json.loads(data)
            except ValueError:
                parsed = None
            status, up = head[4:].split()
            found[title] = Part(text, parsed, int(status), float(up) - last)
            data, last = '', float(up)
        else:
            title, text = head, body
    return found


def differing(a, b, what):
    return [key for key in what if a['result'][key] != b['result'][key]]


def judge_ab(name, report, status):
    """What is wrong with a guest's runs in the rig."""
    problems = []
    if status or not report['identical']:
        problems.append('variants differ')
    for run in report['variants']:
        end = (run['end']['reason'], run['end']['status'])
        if end != suite.ENDS.get(name, suite.EXIT_PORT_0):
            problems.append(f"{run['name']} ended with: {run['end']['text']}")
        if run['name'] != 'off' and not run['clusters']['exits_avoided']:
            problems.append(f"clusters avoided nothing with {run['name']}")
    try:
        suite.check_balance(name, report)
    except harness.Failed as why:
        problems.append(str(why))
    return problems


def judge_interp(found, name, report):
    """The interpreter's runs are the host code's. Exits may differ a little: a guest that is long in a cluster, for this slow
    machine, is taken out of it by the clock's ticks; and time moved on while it was busy makes results incomparable."""
    problems = []
    for run in report['variants']:
        if run['name'] not in INTERP:
            continue
        other = found.get(f"interp {name} {run['name']}", Part()).data
        if not other:
            problems.append(f"no run of {run['name']} with the interpreter")
        elif other['result'] != run['result'] and not (other.get('time_nudges') or run.get('time_nudges')):
            problems.append(f"{run['name']} with the interpreter: another result")
        elif abs(suite.counted(other) - suite.counted(run)) > suite.counted(run) // 100:
            problems.append(f"{run['name']} with the interpreter: {suite.counted(other)} exits")
    return problems


def judge_host(report, host):
    """The same guest on this host's KVM. Memory is left out: the firmware keeps what CPUID says, and a software KVM shows
    its host's there."""
    off, there = report['variants'][0], host['variants'][0]
    differ = differing(off, there, SAME)
    nudges = off['time_nudges'] + there['time_nudges']
    return [f"not as on this host: {', '.join(differ)}" + (f' ({nudges} time nudges)' if nudges else '')] if differ else []


def exits(report, level):
    """Exits that the guest made: windows for interrupts are the monitor's own, and not every backend needs them."""
    for run in report['variants'] if report else ():
        if run['name'] == level:
            return f"{suite.counted(run) - run['exits']['irq_window']:,}"
    return '-'


class Report:
    """The table."""

    def __init__(self, rig, backend):
        self.well = True
        print(f"{'exits':12}" + ''.join(f'{level:>20}' for level in suite.VARIANTS))
        print(f"{'':12}" + f"{rig:>10}{backend or 'not here':>10}" * len(suite.VARIANTS) + f"{'s':>6}", flush=True)

    def add(self, name, report, host, problems, text='', seconds=0):
        self.well &= not problems
        cells = ''.join(f'{exits(report, level):>10}{exits(host, level):>10}' for level in suite.VARIANTS)
        print(f"{name:12}{cells}{seconds:6.0f}  {'same' if not problems else 'FAILED: ' + '; '.join(problems)}", flush=True)
        if problems:
            print(text)


def judge_guest(table, found, name, host_run):
    ab = found.get(f'ab {name}', Part())
    report = ab.data
    seconds = sum(part.seconds for title, part in found.items() if title.split()[1:2] == [name])
    if not report:
        table.add(name, None, None, [f'no report, status {ab.status}'], ab.text, seconds)
        return
    problems = judge_ab(name, report, ab.status) + judge_interp(found, name, report)
    host = None
    if host_run:
        try:
            host = host_run(name)
            problems += judge_host(report, host)
        except harness.Failed as why:
            problems.append(f'on this host: {why}')
    table.add(name, report, host, problems, ab.text, seconds)


# --- all of it ---

def host_runner(args, root, scratch):
    """A function that runs a guest, with the rig's images, on this host's KVM; None: it has none."""
    if args.no_host or not os.access('/dev/kvm', os.R_OK | os.W_OK):
        return None
    tool = harness.Tool(args.build / 'src' / 'huddle', root / 'guests', root / 'guests', scratch)
    return lambda name: suite.compare(tool, name, levels(name))


def backend_here(args):
    text = subprocess.run([args.build / 'src' / 'huddle', 'doctor'], capture_output=True, text=True, check=False).stdout
    found = re.search(r'^ok +backend +(\S+)', text, re.M)
    return found.group(1) if found else 'here'


def guests_of(args, tool):
    if args.guest:
        return args.guest
    if args.short:
        return list(SHORT)
    disks = set(suite.HARD_DISK.values())
    built = sorted(path.stem for path in tool.images.glob('*.img') if path.stem not in disks)
    for name, why in LEFT_OUT[args.rig].items():
        print(f'{name} is left out: {why}')
    return [name for name in built if name not in LEFT_OUT[args.rig]]


def boot(args, root):
    """(the rig's output, whether it got to its end). Ends the program if the rig cannot run here."""
    environment = {'HUDDLE_RIG_TIMEOUT': str(TIMEOUT_S), **os.environ}
    rig = subprocess.run([HERE / f'boot-{args.rig}', root, '. /run'], env=environment, capture_output=True, check=False)
    sys.stderr.buffer.write(rig.stderr)
    if rig.returncode == SKIPPED:
        sys.exit(SKIPPED)
    output = rig.stdout.decode(errors='replace').replace('\r', '')
    if rig.returncode:
        print(f'rig: it ended with {rig.returncode}, after: {output[-200:]}')
    return output, rig.returncode == 0


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('rig', choices=RIGS)
    parser.add_argument('--build', type=pathlib.Path, default=HERE.parents[1] / 'build', help='build directory')
    parser.add_argument('--short', action='store_true', help='the guests that tell most, and fewer sequences')
    parser.add_argument('--no-host', action='store_true', help='do not run on this host too')
    parser.add_argument('--diff', type=int, help='sequences for kvm_diff; 0: none')
    parser.add_argument('guest', nargs='*')
    return parser.parse_intermixed_args()


def main():
    args = parse_args()
    args.build = args.build.resolve()
    diff_count = args.diff
    if diff_count is None:
        diff_count = (DIFF_SHORT if args.short else DIFF)[args.rig]
    with tempfile.TemporaryDirectory(prefix='huddle-rig-') as name:
        scratch = pathlib.Path(name)
        root = scratch / 'root'
        tool = harness.Tool(args.build / 'src' / 'huddle', args.build / 'guests', args.build / 'tests' / 'guest', scratch)
        names = guests_of(args, tool)
        make_images(tool, root, names)
        copy_program(root, args.build / 'src' / 'huddle', '/huddle')
        if diff_count:
            copy_program(root, args.build / 'tests' / 'diff' / 'kvm_diff', '/kvm_diff')
        for firmware in FIRMWARE:
            copy_to(root, SEABIOS / firmware, SEABIOS / firmware)
        (root / 'run').write_text(rig_script(names, diff_count))
        output, well = boot(args, root)
        found = parts_of(output)
        for title in ('doctor', 'diff') if diff_count else ('doctor',):
            part = found.get(title, Part())
            print(f"{title}: {'ok' if part.status == 0 else 'FAILED'}, {part.seconds:.0f} s\n{part.text.strip()}\n", flush=True)
            well &= part.status == 0
        host_run = host_runner(args, root, scratch)
        table = Report(args.rig, backend_here(args) if host_run else None)
        for guest in names:
            judge_guest(table, found, guest, host_run)
    return 0 if well and table.well else 1


if __name__ == '__main__':
    sys.exit(main())
