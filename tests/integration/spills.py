"""The accumulators of matrix products and convolutions stay in registers: no innermost loop with multiply-adds stores a vector on the stack.

GCC 12 keeps an array of sums in registers only when every loop over it is unrolled; one that is forgotten costs more than half of the
speed, and nothing else shows it. spills.py OBJECT... reads the disassembly; a loop is the code between a jump backwards and its target,
and a store or two beside many products is an operand that found no register, not a sum. Exit status 1 when there is such a loop.
"""
import re
import subprocess
import sys

KERNELS = re.compile(r"\b(tile|row_products|swept_row|dot_tile)<")  # the functions whose sums must stay in registers
HEADER = re.compile(r"^[0-9a-f]+ <(.*)>:$")
LINE = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")
MULTIPLY_ADD = re.compile(r"^vfn?m(add|sub)\d+p")
VECTOR_STORE = re.compile(r"%[xyz]mm\d+, ?-?(0x[0-9a-f]+)?\(%r[sb]p\)")


def functions(path):
    text = subprocess.run(["objdump", "-d", "-C", "--no-show-raw-insn", path], capture_output=True, text=True, check=True).stdout
    name, code = None, []
    for line in text.splitlines():
        if header := HEADER.match(line):
            if name:
                yield name, code
            name, code = header.group(1), []
        elif instruction := LINE.match(line):
            code.append((int(instruction.group(1), 16), instruction.group(2), instruction.group(3)))
    if name:
        yield name, code


def innermost_loops(code):
    """Runs of instructions that end with a jump to their beginning and hold no other such run."""
    places = {address: i for i, (address, _, _) in enumerate(code)}
    loops = []
    for i, (address, word, operands) in enumerate(code):
        target = re.match(r"([0-9a-f]+) <", operands)
        if word.startswith("j") and target and (start := places.get(int(target.group(1), 16))) is not None and start <= i:
            loops.append((start, i))
    for start, end in loops:
        if not any((a, b) != (start, end) and start <= a and b <= end for a, b in loops):
            yield code[start : end + 1]


def main():
    examined, spilled = 0, []
    for path in sys.argv[1:]:
        for name, code in functions(path):
            if not KERNELS.search(name):
                continue
            for loop in innermost_loops(code):
                products = sum(1 for _, word, _ in loop if MULTIPLY_ADD.match(word))
                stores = sum(1 for _, word, operands in loop if word.startswith("vmov") and VECTOR_STORE.search(operands))
                examined += products >= 4
                if products >= 4 and stores * 4 >= products:
                    spilled.append(f"{name}: {stores} vectors stored beside {products} products")
    print("\n".join([*spilled, f"{examined} loops, {len(spilled)} of them with stores"]))
    return 1 if spilled or not examined else 0


sys.exit(main())
