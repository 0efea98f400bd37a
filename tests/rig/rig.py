#!/usr/bin/env python3
"""svm | vmx [--build DIR] [--no-host] [--diff N] [GUEST...]: huddle on AMD's and on Intel's KVM module.

Boots Debian's kernel on an emulated processor with SVM or VMX (see `boot-svm`, `boot-vmx`) and runs there
  - `huddle doctor`,
  - `huddle ab` with off, pairs and window on each guest: the runs must be identical, and clusters must avoid exits,
  - kvm_diff, the interpreter against KVM.
Then, unless --no-host, each guest runs on this host's own KVM: access stream and picture must be those seen in the rig.
Takes minutes: everything in the rig is emulated twice. Status 0 if all agree.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SEABIOS = '/usr/share/seabios'
FIRMWARE = ('bios.bin', 'vgabios-isavga.bin')
# Guests, and how much work where the default is too much for an emulated processor: dwords by offset in the image.
COUNT = 0x28
WORK = {'fuzz': {COUNT: 1500}}
GUESTS = {
    'svm': ['pic', 'planar', 'irqmix', 'selfmod', 'pairs64', 'keyboard', 'pm32', 'uart', 'fuzz'],
    'vmx': ['irqmix', 'keyboard', 'pm32'],
}
DIFF = {'svm': 2000, 'vmx': 300}
VARIANTS = 'off,pairs,window'
MARK = '=== rig:'
SKIPPED = 77


def fail(text):
    print('rig: ' + text, file=sys.stderr)
    sys.exit(2)


def copy_to(root, source, target):
    path = root + target
    os.makedirs(os.path.dirname(path), exist_ok=True)
    shutil.copy(source, path)


def copy_program(root, program, target):
    """The program with the shared libraries it was linked with, at the same places."""
    copy_to(root, program, target)
    listing = subprocess.run(['ldd', program], capture_output=True, text=True, check=True).stdout
    for library in re.findall(r'(?:=> |^\s+)(/\S+) \(', listing, re.M):
        copy_to(root, library, library)


def make_image(build, guest, target):
    path = os.path.join(build, 'guests', guest + '.img')
    if not os.path.exists(path):
        fail(f'{path} is not there: build first')
    with open(path, 'rb') as f:
        image = bytearray(f.read())
    for offset, value in WORK.get(guest, {}).items():
        image[offset:offset + 4] = value.to_bytes(4, 'little')
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, 'wb') as f:
        f.write(image)


def rig_script(guests, diff_count):
    lines = [f'echo "{MARK} doctor"', '/huddle doctor', f'echo "{MARK} end $?"']
    for guest in guests:
        lines += [f'echo "{MARK} ab {guest}"',
                  f'/huddle ab /guests/{guest}.img --variants={VARIANTS} --windows=none --json=/tmp/ab.json '
                  '>/tmp/text 2>&1', 'status=$?', 'cat /tmp/text', f'echo "{MARK} json"', 'cat /tmp/ab.json',
                  'rm -f /tmp/ab.json', f'echo "{MARK} end $status"']
    if diff_count:
        lines += [f'echo "{MARK} diff"', f'/kvm_diff --emulated-cpu --count={diff_count}', f'echo "{MARK} end $?"']
    return '\n'.join(lines + ['exit 0', ''])


def sections(output):
    """[(title, text, json text, status)] of the script's output."""
    parts = re.split(r'^' + re.escape(MARK) + r' (.*)$', output, flags=re.M)
    found, title, text, data = [], None, '', ''
    for head, body in zip(parts[1::2], parts[2::2]):
        if head == 'json':
            data = body
        elif head.startswith('end '):
            found.append((title, text, data, int(head[4:])))
            data = ''
        else:
            title, text = head, body
    return found


def run_on_host(build, image, scratch):
    stats = os.path.join(scratch, 'host.json')
    subprocess.run([os.path.join(build, 'src', 'huddle'), 'run', image, '--snapshot', '--clock=access',
                    '--cluster=off', '--timeout=300', '--stats=' + stats], stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=False)
    with open(stats) as f:
        return json.load(f)


def differing(a, b):
    """What of two runs' results is not the same. Memory is left out: the firmware keeps what CPUID says, and a software KVM shows
    its host's there."""
    return [key for key in ('stream_count', 'stream_hash', 'frame_hash') if a['result'][key] != b['result'][key]]


def judge_guest(guest, text, data, status, host):
    """Prints one line. True if all is well."""
    try:
        report = json.loads(data)
    except ValueError:
        print(f'{guest:10} FAILED, no report, status {status}\n{text}')
        return False
    runs = {run['name']: run for run in report['variants']}
    off, window = runs['off'], runs['window']
    problems = []
    if status or not report['identical']:
        problems.append('variants differ')
    if not window['clusters']['exits_avoided']:
        problems.append('clusters avoided nothing')
    if off['end']['reason'] != 'exit_port' or off['end']['status'] != 1:
        problems.append('the guest ended with: ' + off['end']['text'])
    if host and differing(off, host):
        nudges = off['time_nudges'] + host['time_nudges']
        problems.append('not as on this host: ' + ', '.join(differing(off, host)) +
                        (f' ({nudges} time nudges)' if nudges else ''))
    exits = ', '.join(f"{run['name']} {run['exits']['total']}" for run in report['variants'])
    print(f"{guest:10} {'ok' if not problems else 'FAILED: ' + '; '.join(problems)}  exits: {exits}")
    if problems:
        print(text)
    return not problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('rig', choices=GUESTS)
    parser.add_argument('--build', default=os.path.join(HERE, '..', '..', 'build'), help='build directory')
    parser.add_argument('--no-host', action='store_true', help='do not run on this host too')
    parser.add_argument('--diff', type=int, help='sequences for kvm_diff; 0: none')
    parser.add_argument('guest', nargs='*')
    args = parser.parse_intermixed_args()
    guests = args.guest or GUESTS[args.rig]
    diff_count = DIFF[args.rig] if args.diff is None else args.diff
    kvm_diff = os.path.join(args.build, 'tests', 'diff', 'kvm_diff')
    with tempfile.TemporaryDirectory() as scratch:
        root = os.path.join(scratch, 'root')
        copy_program(root, os.path.join(args.build, 'src', 'huddle'), '/huddle')
        if diff_count:
            copy_program(root, kvm_diff, '/kvm_diff')
        for name in FIRMWARE:
            copy_to(root, os.path.join(SEABIOS, name), os.path.join(SEABIOS, name))
        for guest in guests:
            make_image(args.build, guest, f'{root}/guests/{guest}.img')
        with open(root + '/run', 'w') as f:
            f.write(rig_script(guests, diff_count))
        rig = subprocess.run([os.path.join(HERE, 'boot-' + args.rig), root, '. /run'], capture_output=True)
        sys.stderr.buffer.write(rig.stderr)
        if rig.returncode == SKIPPED:
            return SKIPPED
        output = rig.stdout.decode(errors='replace').replace('\r', '')
        found = sections(output)
        well = rig.returncode == 0 and len(found) == len(guests) + 1 + bool(diff_count)
        if not well:
            print(f'rig: the rig ended with {rig.returncode} after {len(found)} parts\n{output[-3000:]}')
        for title, text, data, status in found:
            if title.startswith('ab '):
                guest = title[3:]
                host = None if args.no_host else run_on_host(args.build, f'{root}/guests/{guest}.img', scratch)
                well &= judge_guest(guest, text, data, status, host)
            else:
                print(f"{title:10} {'ok' if status == 0 else 'FAILED'}\n{text.strip()}")
                well &= status == 0
    return 0 if well else 1


if __name__ == '__main__':
    sys.exit(main())
